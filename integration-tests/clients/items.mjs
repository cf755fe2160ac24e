// Data items of @dha-team/arbundles, of each type of signature. Source: spec 30, section 1.

import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto'
import { arbundles, end, item, json, jwk, log, NODE, post, same, step, text } from './node.mjs'

const { ArweaveSigner, DataItem, EthereumSigner, HexSolanaSigner, SolanaSigner, TypedEthereumSigner } = arbundles

// A key of Solana is written as 64 bytes in base58, the public half last.
const base58 = bytes => {
  const digits = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
  let number = BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
  let written = ''
  for (; number > 0n; number /= 58n) written = digits[Number(number % 58n)] + written
  return written
}
const edwards = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
const solana = base58(Buffer.concat([edwards.d, edwards.x].map(half => Buffer.from(half, 'base64url'))))
const ethereum = randomBytes(32).toString('hex')

const signers = {
  'RSA, of Arweave': new ArweaveSigner(jwk),
  'Ed25519': new SolanaSigner(solana),
  'secp256k1, of Ethereum': new EthereumSigner(ethereum),
  'Ed25519 over text, of Solana': new HexSolanaSigner(solana)
}
for (const [name, signer] of Object.entries(signers)) {
  await step(`${name}: spawns, is scheduled, and is given back byte for byte`, async () => {
    const process_ = await item(signer, await log(), '1984')
    const spawned = await post('/push', process_)
    same([spawned.status, spawned.headers.get('process')], [200, process_.id])
    await spawned.text()
    const anchor = createHash('sha256').update(name).digest().toString('hex').slice(0, 32)
    const message = await item(signer, { Action: 'Eval', 'X-Case': 'Kept' }, 'data', { target: process_.id, anchor })
    const answer = await post(`/${process_.id}/schedule`, message)
    same([answer.status, answer.headers.get('slot')], [200, '1'])
    await answer.text()
    const back = await fetch(`${NODE}/${message.id}?accept=application/ans104`)
    same(Buffer.from(await back.arrayBuffer()).equals(message.getRaw()), true)
    same(await text(`/${message.id}/verify`), 'true')
  })
  await step(`${name}: one that was changed is refused`, async () => {
    const process_ = await item(signer, await log(), '1984')
    const raw = Buffer.from(process_.getRaw())
    raw[raw.length - 1] ^= 1
    const answer = await post('/push', new DataItem(raw))
    same(answer.status, 400)
  })
}
await step('a type that the node does not know is refused with a sentence', async () => {
  const made = await item(new TypedEthereumSigner(ethereum), await log(), '1984')
  const answer = await post('/push', made, { accept: 'application/json' })
  same(answer.status, 400)
  same((await answer.text()).includes('signature type'), true)
})
await step('two items of one content are two messages', async () => {
  const signer = signers['RSA, of Arweave']
  const fields = await log()
  const [first, second] = [await item(signer, fields, '1984'), await item(signer, fields, '1984')]
  for (const made of [first, second]) same((await post('/push', made)).headers.get('process'), made.id)
  for (const made of [first, second]) {
    same((await json(`/${made.id}?require-codec=application/json`)).type, 'Process')
    const back = await fetch(`${NODE}/${made.id}?require-codec=ans104@1.0`)
    same(Buffer.from(await back.arrayBuffer()).equals(made.getRaw()), true)
  }
})
end()
