// Releases of @permaweb/aoconnect that are still in use, and the mode `legacy`, with a node as the
// place where messages are sent. Source: spec 30, sections 2.1 and 3.

import { createServer } from 'node:http'
import { connect, createSigner } from '@permaweb/aoconnect'
import { connect as connect90, createSigner as signer90 } from 'aoconnect-90'
import { connect as connect93, createSigner as signer93 } from 'aoconnect-93'
import { arbundles, COUNTER, end, item, json, jwk, log, nonce, NODE, operator, post, same, step, tags } from './node.mjs'

const address = await operator()
const signer = new arbundles.ArweaveSigner(jwk)
const kept = await item(signer, await log(), '1984')
await (await post('/push', kept)).text()
const script = await item(signer, { Type: 'Message', 'Content-Type': 'application/lua' }, COUNTER, { target: kept.id })
await (await post(`/${kept.id}/schedule`, script)).text()

await step('0.0.93: spawn, message, result', async () => {
  const ao = connect93({ MODE: 'mainnet', URL: NODE, SCHEDULER: address, signer: signer93(jwk) })
  const id = await ao.spawn({ module: script.id, tags: tags({ 'execution-device': 'lua@5.3a', Nonce: nonce() }) })
  same(await ao.message({ process: id, tags: [], data: 'x' }), 1)
  same(await ao.message({ process: id, tags: [], data: 'y' }), 2)
  same((await ao.result({ process: id, slot: 1 })).Output, { data: 'count=2' })
})
await step('0.0.90: requests, as aos 2.0.8 makes them', async () => {
  const quiet = console.log
  console.log = () => {}
  try {
    const ao = connect90({ MODE: 'mainnet', URL: NODE, signer: signer90(jwk) })
    const spawned = await ao.request({
      path: '/push', method: 'POST', type: 'Process', device: 'process@1.0', 'scheduler-device': 'scheduler@1.0',
      'push-device': 'push@1.0', 'execution-device': 'lua@5.3a', module: script.id, scheduler: address,
      authority: address, nonce: nonce(), 'signing-format': 'ANS-104'
    })
    const told = await ao.request({
      type: 'Message', path: `/${spawned.process}/push`, method: 'POST', action: 'Eval', target: spawned.process,
      'signing-format': 'ANS-104', accept: 'application/json', data: 'x'
    })
    same(JSON.parse(told.body).output, { data: 'count=2' })
    same((await ao.request({ path: `/${spawned.process}/slot/current`, method: 'GET' })).body, '1')
  } finally {
    console.log = quiet
  }
})

// Where the mode `legacy` looks for what a module is.
const gateway = createServer((request, answer) => {
  request.resume()
  const module = tags({
    'Data-Protocol': 'ao', Type: 'Module', 'Module-Format': 'wasm64-unknown-emscripten-draft_2024_02_15',
    'Input-Encoding': 'JSON-1', 'Output-Encoding': 'JSON-1'
  })
  const node = { owner: { address: 'x' }, tags: module }
  answer.setHeader('content-type', 'application/json')
  answer.end(JSON.stringify({ data: { transactions: { edges: [{ node }] } } }))
})
await new Promise(listening => gateway.listen(0, '127.0.0.1', listening))
const legacy = connect({
  MODE: 'legacy', CU_URL: NODE, MU_URL: `${NODE}/~scheduler@1.0/schedule?codec-device=ans104@1.0`,
  GRAPHQL_URL: `http://127.0.0.1:${gateway.address().port}/graphql`, noLog: true
})
await step('legacy: spawn and messages, with and without data', async () => {
  const by = createSigner(jwk)
  const id = await legacy.spawn({ module: 'M'.repeat(43), scheduler: address, tags: tags({ Nonce: nonce() }), signer: by })
  const first = await legacy.message({ process: id, tags: tags({ Action: 'Eval' }), data: '1+1', signer: by })
  const second = await legacy.message({ process: id, tags: tags({ Action: 'Ping' }), signer: by })
  const later = await legacy.signMessage({ process: id, tags: [], data: 'x', signer: by })
  const third = await legacy.sendSignedMessage(later)
  const page = await json(`/~scheduler@1.0/schedule?target=${id}&accept=application/aos-2`)
  same(page.edges.map(edge => edge.node.message.Id), [id, first, second, third])
  same(page.edges[1].node.message.Tags.find(tag => tag.name === 'Action').value, 'Eval')
})
gateway.close()
end()
