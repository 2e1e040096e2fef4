// A program beside the engine, with the keys of a home's operator.
import { Client, type ClientOptions } from '../channel/client.ts';
import { type LoadOptions, loadOperator } from '../identity/load-home.ts';

export interface OperatorConnectionOptions extends Omit<ClientOptions, 'url' | 'identity'> {
  /** What `specie init` made; of it configuration, directory and the operator's key file are read. */
  readonly home: string;
  /** Of the operator's key file, where it is encrypted. */
  readonly passphrase?: LoadOptions['passphrase'];
  /** `operator` */
  readonly name?: string;
}

/**
 * Connects to the ledger of a system, encrypted and authenticated at both ends.
 * @throws IdentityError for a home or a key that cannot be used; ClientError connection_failed
 */
export async function connectAsOperator(options: OperatorConnectionOptions): Promise<Client> {
  const { home, passphrase = async () => undefined, name, ...more } = options;
  const operator = await loadOperator({ home, passphrase, ...(name !== undefined && { name }) });
  const client = new Client({
    ...more,
    url: operator.directory.address('cash'),
    identity: () => operator.clientIdentity('cash'),
  });
  try {
    await client.connected;
  } catch (error) {
    operator.close();
    throw error;
  }
  return client;
}
