// What wao reads of a node. Its writes carry signatures of a form that no node takes any more.
// Source: spec 30, section 7.

import { HB } from 'wao'
import { arbundles, COUNTER, end, item, jwk, log, NODE, post, same, step } from './node.mjs'

const signer = new arbundles.ArweaveSigner(jwk)
const kept = await item(signer, await log(), '1984')
await (await post('/push', kept)).text()
const script = await item(signer, { Type: 'Message', 'Content-Type': 'application/lua' }, COUNTER, { target: kept.id })
await (await post(`/${kept.id}/schedule`, script)).text()
const counter = await item(signer, { ...await log(), 'execution-device': 'lua@5.3a', Module: script.id }, '1984')
await (await post('/push', counter)).text()
for (const data of ['x', 'y']) {
  const message = await item(signer, { Type: 'Message' }, data, { target: counter.id })
  await (await post(`/${counter.id}/schedule`, message)).text()
}

const hb = new HB({ url: NODE, jwk })
await step('now', async () => same((await hb.now({ pid: counter.id })).count, 3))
await step('compute', async () => same((await hb.compute({ pid: counter.id, slot: 1 })).count, 2))
await step('slot', async () => same((await hb.slot({ pid: counter.id })).current, 2))
await step('messages', async () => same((await hb.messages({ pid: counter.id })).edges.length, 3))
end()
