// Makes a home, or completes one: what is there stays, what is missing is made. Each file is written whole, in an order in
// which the next run can go on wherever this one ends:
//
//     folders ─▶ root.key ─▶ specie.json ─▶ each role's 1.key ─▶ notes' 1.key ─▶ operator.key ─▶ directory.json
//                            names the root                      named by nobody                 names all the others
import { Currencies, parseOperatorCurrency } from '../shared/currency.ts';
import {
  type Configuration,
  CURRENCY_DEFAULT,
  newConfigurationText,
  parseConfiguration,
} from './configuration.ts';
import type { Directory } from './directory.ts';
import type { ListedOperator, ListedRole } from './directory-content.ts';
import { IdentityError } from './errors.ts';
import {
  FIRST_OPERATOR,
  HomePaths,
  isRootEncrypted,
  keyFileNumbers,
  keySetNumbers,
  readConfiguration,
  readDirectory,
  readKeySet,
  readKeys,
  withHomeLock,
} from './home.ts';
import { keyFileText, OWNERS, type SecretKeys } from './key-file.ts';
import { fingerprint, type KeyPair, publicKeys } from './key-set.ts';
import { generateKeyPair, generateKeySet, type RandomBytes } from './new-key-set.ts';
import { generateNoteSeed, noteSeedKeys, readNoteSeed } from './note-seeds.ts';
import type { Passphrase, PassphraseSource } from './passphrase.ts';
import { PRIVATE, PrivateFiles, PUBLIC } from './private-files.ts';
import { MINT_ROLES, ROLES, type RoleName } from './roles.ts';
import { ROOT_KEYS, readRootKey, writeDirectory } from './root-key.ts';
import { systemCrypto } from './system-crypto.ts';
import { type Clock, FOREVER, systemClock } from './time.ts';

export interface InitOptions {
  readonly home: string;
  /** A code; with `operatorCurrencies` also one of those. Default: EUR, or what specie.json says. @throws CurrencyError */
  readonly currency?: string | undefined;
  readonly operatorCurrencies?: readonly string[] | undefined;
  /** Encrypts the keys that are made. */
  readonly passphrase?: Passphrase | undefined;
  /** Asked when root.key is encrypted and `passphrase` was not given. */
  readonly askPassphrase?: PassphraseSource | undefined;
  readonly clock?: Clock | undefined;
  readonly randomBytes?: RandomBytes | undefined;
  readonly files?: PrivateFiles | undefined;
  readonly scryptLog2N?: number | undefined;
}

export interface InitItem {
  readonly path: string;
  readonly what: string;
  /** `elsewhere`: named by the directory, and not in this home. */
  readonly state: 'made' | 'changed' | 'found' | 'elsewhere';
}

export interface InitReport {
  readonly home: string;
  readonly items: readonly InitItem[];
  /** Of the root key: what wallets are given to trust. */
  readonly fingerprint: string;
  readonly serial: bigint;
}

export async function initHome(options: InitOptions): Promise<InitReport> {
  const files = options.files ?? new PrivateFiles();
  const paths = new HomePaths(options.home);
  for (const folder of paths.folders()) files.makeFolder(folder);
  return withHomeLock(paths, () => new Initialisation(options, files, paths).run());
}

class Initialisation {
  readonly #options: InitOptions;
  readonly #files: PrivateFiles;
  readonly #paths: HomePaths;
  readonly #now: bigint;
  readonly #items: InitItem[] = [];
  #rootKey: KeyPair | undefined;
  #passphrase: Passphrase | undefined;

  constructor(options: InitOptions, files: PrivateFiles, paths: HomePaths) {
    this.#options = options;
    this.#files = files;
    this.#paths = paths;
    this.#now = (options.clock ?? systemClock)();
    this.#passphrase = options.passphrase;
  }

  async run(): Promise<InitReport> {
    const { home, directory: directoryPath } = this.#paths;
    for (const folder of this.#paths.folders()) this.#files.removeDrafts(folder);
    try {
      const configuration = await this.#configuration();
      const before = this.#files.exists(directoryPath)
        ? readDirectory(this.#files, this.#paths, configuration.root)
        : undefined;
      const roles: ListedRole[] = [];
      for (const role of ROLES) {
        const listed = await this.#role(role, before?.role(role));
        roles.push({ ...listed, address: configuration.roles[role].address });
      }
      await this.#notes(before);
      const operators = [...(before?.content.operators ?? [])];
      await this.#operator(operators);
      const directory = await this.#directory(configuration, roles, operators, before);
      return { home, items: this.#items, fingerprint: configuration.root, serial: directory.serial };
    } finally {
      this.#rootKey?.secretKey.fill(0);
    }
  }

  #note(path: string, what: string, state: InitItem['state']): void {
    this.#items.push({ path, what, state });
  }

  /** Once it is needed. */
  async #root(): Promise<KeyPair> {
    this.#rootKey ??= await readRootKey(this.#files, this.#paths, this.#source);
    return this.#rootKey;
  }

  #source: PassphraseSource = async () => {
    this.#passphrase ??= await this.#options.askPassphrase?.();
    return this.#passphrase;
  };

  /** Whether keys that are found have to be; a root key that is elsewhere refuses the command anyway. */
  get #isEncrypted(): boolean {
    return this.#files.exists(this.#paths.root) && isRootEncrypted(this.#files, this.#paths);
  }

  async #write(path: string, keys: SecretKeys): Promise<void> {
    // Keys that no directory can name would be of no use; and a root key that is encrypted asks for the passphrase, which
    // is then that of all new keys.
    if (path !== this.#paths.root) await this.#root();
    const { randomBytes, scryptLog2N } = this.#options;
    const encryption = this.#passphrase && { passphrase: this.#passphrase, randomBytes, scryptLog2N };
    this.#files.create(path, await keyFileText(keys, encryption), PRIVATE);
  }

  async #configuration(): Promise<Configuration> {
    const { root, configuration: path, directory } = this.#paths;
    const what = 'configuration: what the system is set to';
    const rootWhat = 'root key: signs the directory; put it away offline';
    const { currency, operatorCurrencies } = this.#options;
    if (this.#files.exists(path)) {
      const configuration = readConfiguration(this.#files, this.#paths);
      this.#note(root, rootWhat, this.#files.exists(root) ? 'found' : 'elsewhere');
      if (currency !== undefined && configuration.currencies.parse(currency) !== configuration.currency) {
        throw new IdentityError(
          'in_the_way',
          `${path}: currency: expected ${currency}, as asked for now, got ${configuration.currency.code}: change it in the file`,
        );
      }
      this.#note(path, what, 'found');
      return configuration;
    }
    if (this.#files.exists(directory)) {
      throw new IdentityError(
        'missing',
        `${path}: expected the file that belongs to ${directory}, got none: bring it back`,
      );
    }
    // Before a key is made that nothing would name.
    new Currencies(operatorCurrencies?.map(parseOperatorCurrency)).parse(currency ?? CURRENCY_DEFAULT);
    if (this.#files.exists(root)) this.#note(root, rootWhat, 'found');
    else {
      const signing = generateKeyPair('signing', this.#options.randomBytes);
      await this.#write(root, { owner: ROOT_KEYS.owner, number: 1, createdAt: this.#now, keys: { signing } });
      this.#rootKey = signing;
      this.#note(root, rootWhat, 'made');
    }
    const print = fingerprint((await this.#root()).publicKey, systemCrypto.sha256);
    const text = newConfigurationText(print, currency ?? CURRENCY_DEFAULT, operatorCurrencies ?? []);
    const configuration = parseConfiguration(text, path);
    this.#files.create(path, text, PUBLIC);
    this.#note(path, what, 'made');
    return configuration;
  }

  async #role(role: RoleName, listed: ListedRole | undefined): Promise<ListedRole> {
    const what = `keys of ${role}: sign, open channels and what is sealed to it`;
    const newest = listed?.keySets.at(-1);
    if (listed !== undefined && newest !== undefined) {
      const path = this.#paths.keySet(role, newest.number);
      this.#note(path, what, this.#files.exists(path) ? 'found' : 'elsewhere');
      return listed;
    }
    // The newest, where a directory was lost after rotations.
    const there = keySetNumbers(this.#files, this.#paths, role).at(-1);
    const number = there ?? 1;
    const path = this.#paths.keySet(role, number);
    const keys =
      there === undefined
        ? generateKeySet(this.#options.randomBytes)
        : await readKeySet(this.#files, this.#paths, role, number, this.#source, this.#isEncrypted);
    this.#note(path, what, there === undefined ? 'made' : 'found');
    if (there === undefined) await this.#write(path, { owner: role, number, createdAt: this.#now, keys });
    const times = { notBefore: this.#now, notAfter: FOREVER, openUntil: FOREVER, verifyUntil: FOREVER };
    return { role, address: '', keySets: [{ number, keys: publicKeys(keys), ...times }] };
  }

  /**
   * The seed of the notes' keys. It is older than the directory that names the mint: where such a directory is, a seed that is
   * not here is on another machine, and must not be made again under the same number.
   */
  async #notes(before: Directory | undefined): Promise<void> {
    const what = "seed of the notes' keys: issuer and receiver sign notes and know them by it";
    const there = keyFileNumbers(this.#files, this.#paths.notes).at(-1);
    const number = there ?? 1;
    const path = this.#paths.noteSeed(number);
    if (MINT_ROLES.some((role) => before?.role(role) !== undefined)) {
      this.#note(path, what, there === undefined ? 'elsewhere' : 'found');
      return;
    }
    if (there !== undefined) {
      const { seed } = await readNoteSeed(this.#files, this.#paths, number, this.#source, this.#isEncrypted);
      seed.fill(0);
      this.#note(path, what, 'found');
      return;
    }
    const seed = generateNoteSeed(this.#options.randomBytes);
    await this.#write(path, noteSeedKeys(number, seed, this.#now));
    seed.fill(0);
    this.#note(path, what, 'made');
  }

  /** The first one; he is added to `operators` if nobody is there. */
  async #operator(operators: ListedOperator[]): Promise<void> {
    const name = operators[0]?.name ?? FIRST_OPERATOR;
    const path = this.#paths.operator(name);
    const what = "operator's keys: for commands that ask the roles";
    const there = this.#files.exists(path);
    if (operators.length > 0) {
      this.#note(path, what, there ? 'found' : 'elsewhere');
      return;
    }
    const encrypted = this.#isEncrypted;
    const expected = { owner: `operator ${name}`, uses: OWNERS.operator, number: 1, encrypted };
    const { keys } = there
      ? await readKeys(this.#files, path, expected, this.#source)
      : {
          keys: {
            signing: generateKeyPair('signing', this.#options.randomBytes),
            channel: generateKeyPair('channel', this.#options.randomBytes),
          },
        };
    if (!there) await this.#write(path, { owner: expected.owner, number: 1, createdAt: this.#now, keys });
    this.#note(path, what, there ? 'found' : 'made');
    operators.push({
      name,
      channelKey: keys.channel!.publicKey,
      signingKey: keys.signing!.publicKey,
      notBefore: this.#now,
      notAfter: FOREVER,
    });
  }

  async #directory(
    configuration: Configuration,
    roles: readonly ListedRole[],
    operators: readonly ListedOperator[],
    before: Directory | undefined,
  ): Promise<Directory> {
    const path = this.#paths.directory;
    const what = 'directory: who is who, signed by the root key; wallets get a copy';
    const same =
      before !== undefined &&
      before.content.operators.length === operators.length &&
      roles.every((role) => before.role(role.role)?.address === role.address);
    if (same) {
      this.#note(path, what, 'found');
      return before;
    }
    const root = await this.#root();
    const content = { roles, operators };
    const directory = writeDirectory(
      this.#files,
      this.#paths,
      configuration,
      root,
      content,
      this.#now,
      before,
    );
    this.#note(path, what, before === undefined ? 'made' : 'changed');
    return directory;
  }
}
