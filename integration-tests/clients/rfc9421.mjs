// HTTP signatures of a stock library, http-message-signatures, as far as the protocol allows: header
// fields and the body's digest, under a label that begins with `comm-`. Source: RFC 9421; spec 30, 5.

import { createHash } from 'node:crypto'
import { arbundles, end, item, jwk, log, post, same, send, signed, step, text } from './node.mjs'

const kept = await item(new arbundles.ArweaveSigner(jwk), await log(), '1984')
await (await post('/push', kept)).text()

await step('a message of header fields and a body is scheduled', async () => {
  const request = await signed(`/${kept.id}/schedule`, { type: 'Message', target: kept.id, subject: 'self', action: 'Eval' }, 'return 1')
  const answer = await send(request)
  same([answer.status, answer.headers.get('slot')], [200, '1'])
  await answer.text()
  same(await text(`/${kept.id}/slot/current`), '1')
})
await step('the signer is its committer', async () => {
  const address = createHash('sha256').update(Buffer.from(jwk.n, 'base64url')).digest('base64url')
  const page = await text(`/~scheduler@1.0/schedule?target=${kept.id}&from=1&to=1&accept=application/aos-2`)
  same(JSON.parse(page).edges[0].node.message.Owner, address)
})
await step('a field or a body that was changed is refused', async () => {
  const fields = { type: 'Message', target: kept.id, subject: 'self', action: 'Eval' }
  const field = await signed(`/${kept.id}/schedule`, fields, 'return 1')
  field.headers.action = 'Evil'
  same((await send(field)).status, 400)
  const body = await signed(`/${kept.id}/schedule`, fields, 'return 1')
  same((await send({ ...body, body: 'return 2' })).status, 400)
  same(await text(`/${kept.id}/slot/current`), '1')
})
end()
