// What every script needs: the node, a key of one's own, and steps that are told with their outcome.

import { constants, createHash, createPrivateKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { createRequire } from 'node:module'
import { httpbis } from 'http-message-signatures'

// The package's own modules for import leave out what they need.
export const arbundles = createRequire(import.meta.url)('@dha-team/arbundles')

export const NODE = process.env.NODE_URL

// An RSA key as Arweave's wallets are written.
export const jwk = generateKeyPairSync('rsa', { modulusLength: 4096 }).privateKey.export({ format: 'jwk' })

// Tags as clients take them.
export const tags = fields => Object.entries(fields).map(([name, value]) => ({ name, value: String(value) }))

// What makes a message another than the one before.
export const nonce = () => randomUUID()

let failed = 0

// Takes a step; the rest goes on without it, so that one run tells all that does not work.
export async function step (name, take) {
  try {
    const value = await take()
    console.log(`ok      ${name}`)
    return value
  } catch (error) {
    failed += 1
    const causes = [error, error.cause, error.originalError].filter(Boolean).map(e => e.message)
    console.log(`FAILED  ${name}: ${causes.join('; ').replace(/\s+/g, ' ')}`)
  }
}

export function end () {
  process.exit(failed === 0 ? 0 : 1)
}

export function same (found, expected) {
  const [a, b] = [found, expected].map(value => JSON.stringify(value))
  if (a !== b) throw new Error(`found ${a}, expected ${b}`)
}

export async function text (path, options) {
  const answer = await fetch(NODE + path, options)
  const body = await answer.text()
  if (!answer.ok) throw new Error(`${path} is answered with ${answer.status}: ${body.slice(0, 200)}`)
  return body
}

export const json = async (path, options) => JSON.parse(await text(path, options))

// The node's own address: who schedules what is spawned here.
export const operator = () => text('/~meta@1.0/info/address')

// A process whose log takes any message, and which computes nothing.
export const log = async () => ({
  device: 'process@1.0',
  'scheduler-device': 'scheduler@1.0',
  'execution-device': 'test-device@1.0',
  Scheduler: await operator(),
  Authority: await operator(),
  'Data-Protocol': 'ao',
  Type: 'Process',
  Variant: 'ao.N.1',
  Nonce: nonce()
})

export const item = async (signer, fields, data, options = {}) => {
  const made = arbundles.createData(data, signer, { tags: tags(fields), ...options })
  await made.sign(signer)
  return made
}

export const post = (path, made, headers = {}) => fetch(NODE + path, {
  method: 'POST',
  headers: { 'content-type': 'application/ans104', 'codec-device': 'ans104@1.0', ...headers },
  body: made.getRaw()
})

const key = createPrivateKey({ key: jwk, format: 'jwk' })
const modulus = Buffer.from(jwk.n, 'base64url').toString('base64')
const hash = bytes => createHash('sha256').update(bytes).digest()

// A request with these fields, signed as a whole by a stock library. Source: RFC 9421; spec 30, 5.
export async function signed (path, fields, body) {
  const headers = { ...fields }
  if (body !== undefined) headers['content-digest'] = `sha-256=:${hash(body).toString('base64')}:`
  const request = { method: 'POST', url: NODE + path, headers }
  const sealed = await httpbis.signMessage({
    key: {
      id: `publickey:${modulus}`,
      alg: 'rsa-pss-sha512',
      sign: async bytes => sign('sha512', bytes, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 64 })
    },
    name: 'comm-stock',
    fields: Object.keys(headers).sort(),
    params: ['alg', 'keyid']
  }, request)
  const [, signature] = sealed.headers.Signature.match(/:(.*):/)
  return { ...sealed, body, id: hash(Buffer.from(signature, 'base64')).toString('base64url') }
}

export const send = ({ url, method, headers, body }) => fetch(url, { method, headers, body })

// A process that counts its messages, in Lua.
export const COUNTER = `
function compute(base, assignment)
  base.count = (base.count or 0) + 1
  local told = "count=" .. string.format("%d", base.count)
  local sent = {}
  if assignment.body and assignment.body.action == "Tell" then
    sent = { { target = assignment.body.whom, action = "Told", data = told } }
  end
  base.results = {
    output = { data = told },
    outbox = sent,
    raw = { Output = { data = told }, Messages = sent }
  }
  return base
end
`
