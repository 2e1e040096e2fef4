// Cashu's interface of a role of the mint, over HTTP: where the configuration has it, if anywhere.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Registry } from 'prom-client';
import { PortError } from '../../channel/server.ts';
import { IdentityError } from '../../identity/errors.ts';
import type { RoleHome } from '../../identity/load-home.ts';
import type { MintRole } from '../../identity/roles.ts';
import { MintHttpServer } from '../../mint/http-server.ts';
import { mintHttpMetrics } from '../../mint/metrics.ts';
import type { MintService } from '../../mint/service.ts';

export interface MintHttpSettings {
  readonly home: Pick<RoleHome, 'path' | 'configuration'>;
  readonly role: MintRole;
  readonly service: MintService;
  readonly registry: Registry;
  readonly onFault: (error: unknown) => void;
}

/** undefined: it is turned off. @throws IdentityError, PortError */
export async function listenMintHttp(settings: MintHttpSettings): Promise<MintHttpServer | undefined> {
  const { home, role, service, registry, onFault } = settings;
  const { host, port, certificateFile, keyFile } = home.configuration.roles[role].http;
  if (port === 0) return undefined;
  const file = (name: 'certificateFile' | 'keyFile', path: string): string => {
    const found = resolve(home.path, path);
    if (existsSync(found)) return found;
    throw new IdentityError(
      'configuration',
      `roles.${role}.http.${name}: expected a file, got none at ${found}`,
    );
  };
  const tls = certificateFile !== undefined &&
    keyFile !== undefined && {
      certificateFile: file('certificateFile', certificateFile),
      keyFile: file('keyFile', keyFile),
    };
  try {
    return await MintHttpServer.listen({
      service,
      host,
      port,
      ...(tls && { tls }),
      metrics: mintHttpMetrics(registry, role),
      onFault,
    });
  } catch (error) {
    if (!tls || error instanceof PortError) throw error;
    // uWebSockets.js does not say why.
    throw new IdentityError(
      'configuration',
      `roles.${role}.http: expected a certificate and its key, PEM, in ${tls.certificateFile} and ${tls.keyFile}, got something else`,
      { cause: error },
    );
  }
}
