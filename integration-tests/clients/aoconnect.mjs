// @permaweb/aoconnect 0.0.98 in its mode `mainnet`: every call that it has, for processes of Lua,
// of WebAssembly and of aos. Source: spec 30, sections 2 and 12.

import { readFileSync } from 'node:fs'
import { connect, createSigner } from '@permaweb/aoconnect'
import { arbundles, COUNTER, end, item, json, jwk, log, nonce, NODE, operator, post, same, send, signed, step, tags, text } from './node.mjs'

const ao = connect({ MODE: 'mainnet', URL: NODE, signer: createSigner(jwk) })
const signer = new arbundles.ArweaveSigner(jwk)
const NONE = 'M'.repeat(43)
const address = await operator()

let store, script, process_
await step('spawn', async () => {
  store = await ao.spawn({ module: NONE, tags: tags({ 'execution-device': 'test-device@1.0', Nonce: nonce() }) })
  same(store.length, 43)
})
await step('request: a script becomes a message of a schedule', async () => {
  const answer = await ao.request({
    path: `/${store}~process@1.0/schedule`, method: 'POST', 'signing-format': 'ans104',
    target: store, data: COUNTER, 'Content-Type': 'application/lua'
  })
  same([answer.status, answer.headers.get('slot')], [200, '1'])
  await answer.text()
  const page = await json(`/~scheduler@1.0/schedule?target=${store}&from=1&to=1&accept=application/aos-2`)
  script = page.edges[0].node.message.Id
})
await step('spawn: a process of Lua', async () => {
  process_ = await ao.spawn({ module: script, tags: tags({ 'execution-device': 'lua@5.3a', Nonce: nonce() }) })
})
await step('message: the slot', async () => {
  same(await ao.message({ process: process_, tags: tags({ Action: 'Eval' }), data: 'x' }), 1)
})
await step('message: with its id', async () => {
  const told = await ao.message({ process: process_, tags: [], data: 'x', returnMessageId: true, returnAssignmentSlot: true })
  const page = await json(`/~scheduler@1.0/schedule?target=${process_}&from=2&to=2&accept=application/aos-2`)
  same(told.id, page.edges[0].node.message.Id)
})
await step('message: with its whole result', async () => {
  const result = await ao.message({ process: process_, tags: [], data: 'x', opts: { fullResponse: true } })
  same(result.Output, { data: 'count=4' })
})
await step('result: of every slot', async () => {
  for (const slot of [3, 1, 2]) {
    same((await ao.result({ process: process_, slot })).Output, { data: `count=${slot + 1}` })
  }
})
await step('results: the newest', async () => {
  const { edges } = await ao.results({ process: process_ })
  same(edges.map(edge => [edge.cursor, edge.node.Output]), [['3', { data: 'count=4' }]])
})
await step('dryrun: tells what would be, and changes nothing', async () => {
  await ao.dryrun({ process: process_, tags: tags({ Action: 'Info' }), data: 'x' })
  const would = await ao.request({
    path: `/${process_}~process@1.0/as=execution/compute&Action=Info/count`, method: 'POST', 'signing-format': 'ans104', target: process_
  })
  same(await would.text(), '5')
  same(await text(`/${process_}/now/count`), '4')
})
await step('request: reads in both forms', async () => {
  const read = async fields => (await ao.request(fields)).text()
  same(await read({ path: `/${process_}/slot/current`, method: 'GET' }), '3')
  same(await read({ path: `/${process_}~process@1.0/compute/at-slot`, method: 'POST', 'signing-format': 'ans104' }), '3')
  const now = await read({ path: `/${process_}/now`, method: 'GET', accept: 'application/json', 'accept-bundle': 'true' })
  same(JSON.parse(now).process.module, script)
})
await step('message: what it leads to is reported', async () => {
  const other = await ao.spawn({ module: script, tags: tags({ 'execution-device': 'lua@5.3a', Nonce: nonce() }) })
  await ao.message({ process: process_, tags: tags({ Action: 'Tell', Whom: other }), data: 'x' })
  same(await text(`/${other}/now/count`), '2')
})
await step('message: to no process is refused', async () => {
  const refused = await ao.message({ process: 'Z'.repeat(43), tags: [], data: 'x' }).then(() => false, () => true)
  same(refused, true)
})
await step('a function of WebAssembly', async () => {
  const module = Buffer.from('0061736d0100000001070160027f7f017f03020100070701036d756c00000a09010700200020016c0b', 'hex')
  const worker = await ao.spawn({
    module: NONE,
    tags: tags({
      'execution-device': 'stack@1.0', 'device-stack': '"wasm-64@1.0"', 'ao-types': 'device-stack="list"',
      image: module.toString('latin1'), Nonce: nonce()
    })
  })
  await ao.message({
    process: worker, data: 'x',
    tags: tags({ function: 'mul', parameters: '"(ao-type-integer) 6", "(ao-type-integer) 7"', 'ao-types': 'parameters="list"' })
  })
  same(await text(`/${worker}/now/results/output/1`), '42')
})
if (process.env.AOS) {
  let aos
  const tell = async (fields, data) => {
    const slot = await ao.message({ process: aos, tags: tags(fields), data })
    return json(`/${aos}/compute=${slot}/results?accept=application/json&accept-bundle=true`)
  }
  await step('aos: its module becomes a message', async () => {
    const kept = await item(signer, { ...await log() }, '1984')
    await post('/push', kept)
    const module = await signed(`/${kept.id}/schedule`, { type: 'Message', target: kept.id, subject: 'self' }, readFileSync(process.env.AOS))
    same((await send(module)).status, 200)
    aos = await ao.spawn({
      module: NONE, authority: address,
      tags: tags({
        'execution-device': 'stack@1.0',
        'device-stack': '"wasi@1.0", "json-iface@1.0", "wasm-64@1.0", "patch@1.0", "multipass@1.0"',
        'ao-types': 'device-stack="list", passes="integer"', image: module.id, 'output-prefix': 'wasm',
        'patch-from': '/results/outbox', 'patch-mode': 'patches', passes: 2, Nonce: nonce()
      })
    })
  })
  await step('aos: evaluates', async () => same((await tell({ Action: 'Eval' }, 'count = 0; return 1 + 41')).data, '42'))
  await step('aos: a handler answers', async () => {
    await tell({ Action: 'Eval' }, 'Handlers.add("Inc", "Inc", function (msg) count = count + tonumber(msg.Plus); msg.reply({ Data = "now " .. count }) end)')
    const { outbox } = await tell({ Action: 'Inc', Plus: 5 }, 'x')
    same(Object.values(outbox).map(sent => sent.Data ?? sent.data), ['now 5'])
  })
}
end()
