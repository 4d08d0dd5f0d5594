import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import type { RequestListener, ServerResponse } from 'node:http'
import { transform } from 'esbuild'

/** The API that index.html names. */
export const API = 'http://localhost:8000'

/** What the client and the example are built on: each is one module. */
const packages = ['openapi-fetch', 'eventsource-parser', 'idb']

/**
 * Serves the example as it is in this folder, and the client under /client/. TypeScript goes out as JavaScript, without its
 * types: there is nothing to build.
 * @param api where the API is
 */
export function examplePages (api = API): RequestListener {
  const html = text('index.html').replace(API, api)
  const importMap = /<script type="importmap">(.*?)<\/script>/s.exec(html)![1]!
  const policy = [
    "default-src 'none'", "style-src 'self'", 'img-src data:', `connect-src ${api}`, "form-action 'none'", "base-uri 'none'",
    "frame-ancestors 'none'", `script-src 'self' 'sha256-${createHash('sha256').update(importMap).digest('base64')}'`
  ].join('; ')

  const answer = async (url: string, response: ServerResponse) => {
    const path = url.split('?', 1)[0]!
    const [, folder = '', name] = /^\/(client\/)?([a-z-]+)\.js$/.exec(path) ?? []
    const module = `${folder && '../src/'}${name}.ts`
    response.setHeader('cache-control', 'no-cache').setHeader('content-security-policy', policy)
    if (path === '/') send(response, 'text/html; charset=utf-8', html)
    else if (path === '/style.css') send(response, 'text/css; charset=utf-8', text('style.css'))
    else if (folder && packages.includes(name!)) send(response, 'text/javascript', text(import.meta.resolve(name!)))
    else if (name && existsSync(at(module))) send(response, 'text/javascript', await withoutTypes(text(module)))
    else response.writeHead(404).end()
  }
  return ({ url }, response) => { void answer(url!, response) }
}

const at = (path: string) => new URL(path, import.meta.url)
const text = (path: string) => readFileSync(at(path), 'utf8')

/** @returns TypeScript as JavaScript, as the browser will run it */
const withoutTypes = async (source: string): Promise<string> =>
  (await transform(source, { loader: 'ts', target: 'es2022', tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } } })).code

const send = (response: ServerResponse, type: string, body: string) => response.setHeader('content-type', type).end(body)
