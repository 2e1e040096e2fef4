// Where the mint's HTTP server of a home listens, by its configuration.
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { parseConfiguration } from '../../src/identity/configuration.ts';
import { listenMintHttp } from '../../src/main/roles/mint-http.ts';
import type { MintService } from '../../src/mint/service.ts';
import { freePort } from '../system/home.ts';

const ROOT = `SHA256:${'a'.repeat(43)}`;
const path = import.meta.dirname;

function listen(http: object) {
  const text = JSON.stringify({ version: 1, root: ROOT, roles: { issuer: { http } } });
  return listenMintHttp({
    home: { path, configuration: parseConfiguration(text) },
    role: 'issuer',
    service: { info: async () => ({ name: 'here', nuts: { supported: [] } }) } as unknown as MintService,
    registry: new Registry(),
    onFault: (error) => expect.fail(String(error)),
  });
}

test('port 0: nowhere', async () => {
  expect(await listen({ port: 0 })).toBeUndefined();
});

test('a port: there, and taken then', async () => {
  const port = await freePort();
  const server = (await listen({ port }))!;
  expect(server.url).toBe(`http://127.0.0.1:${port}`);
  expect(await (await fetch(`${server.url}/v1/info`)).json()).toMatchObject({ name: 'here' });
  await expect(listen({ port })).rejects.toThrow(String(port));
  await server.close();
});

test.each([
  [
    { certificateFile: 'none.pem', keyFile: 'none.key' },
    `roles.issuer.http.certificateFile: expected a file, got none at ${join(path, 'none.pem')}`,
  ],
  [
    { certificateFile: 'home-http.test.ts', keyFile: 'home-http.test.ts' },
    'roles.issuer.http: expected a certificate and its key, PEM',
  ],
])('TLS by %j is refused', async (files, message) => {
  await expect(listen({ port: await freePort(), ...files })).rejects.toMatchObject({
    code: 'configuration',
    message: expect.stringContaining(message),
  });
});
