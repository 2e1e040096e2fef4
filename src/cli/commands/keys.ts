import { Argument, Command } from 'commander';
import { passphraseSource } from '../../identity/ask-passphrase.ts';
import { toHex } from '../../identity/binary-text.ts';
import { addOperator, removeOperator } from '../../identity/change-operators.ts';
import type { Directory } from '../../identity/directory.ts';
import type { ListedKeySet } from '../../identity/directory-content.ts';
import { HomePaths, keyFileNumbers, readConfiguration, readDirectory } from '../../identity/home.ts';
import { isEncrypted } from '../../identity/key-file.ts';
import { fingerprint, KEY_USES, keyIdOf } from '../../identity/key-set.ts';
import { NOTES_OWNER, type NoteSeedRotation, rotateNotes } from '../../identity/note-seeds.ts';
import { PrivateFiles } from '../../identity/private-files.ts';
import { type Retirement, retireKeys } from '../../identity/retire-keys.ts';
import { ROLES, type RoleName } from '../../identity/roles.ts';
import { OVERLAP_DAYS_DEFAULT, type Rotation, rotateKeys } from '../../identity/rotate-keys.ts';
import { systemCrypto } from '../../identity/system-crypto.ts';
import { FOREVER, isoTime, systemClock } from '../../identity/time.ts';
import { CommandError } from '../exit-codes.ts';
import { type HomeOptions, passphraseOptions, withHome, withHomeErrors } from '../home-options.ts';
import { wholeNumber } from '../options.ts';
import { jsonText, type Output, tableText } from '../output.ts';

const OVERLAP_DAYS_MAX = 3650;

interface JsonOption extends HomeOptions {
  readonly json?: boolean;
}

interface RotateCommandOptions extends JsonOption {
  readonly overlap?: number;
  readonly compromised?: boolean;
}

export function keysCommand(output: Output): Command {
  const keys = new Command('keys')
    .description('Show, rotate and retire the keys of a system; add and remove operators')
    .addHelpText(
      'after',
      `
docs/keys.md says what each key is for, and what to do when one is lost or stolen.

Examples:
  $ specie keys list
  $ specie keys show --json
  $ specie keys rotate settlement --overlap 90
  $ specie keys rotate notes
  $ specie keys retire
  $ specie keys add-operator anna`,
    );
  const commands = [
    listCommand(output),
    showCommand(output),
    rotateCommand(output),
    retireCommand(output),
    operatorCommand(output, 'add-operator'),
    operatorCommand(output, 'remove-operator'),
  ];
  for (const command of commands) {
    keys.addCommand(
      command.exitOverride().configureOutput({
        writeOut: (text) => output.write(text),
        writeErr: (text) => output.note(text.trimEnd()),
      }),
    );
  }
  return keys;
}

function listCommand(output: Output): Command {
  return withHome(new Command('list'))
    .description('Show every key set of every role and every seed of notes, and whether the secrets are here')
    .option('--json', 'print one JSON object')
    .action((options: JsonOption) =>
      withHomeErrors(async () => {
        const rows = keySetRows(options.home);
        if (options.json) {
          output.write(jsonText({ keySets: rows, noteSeeds: noteSeedRows(options.home) }));
          return;
        }
        output.write(
          tableText(
            ['role', '>number', 'state', 'from', 'opens until', 'counts until', ...KEY_USES, 'secret keys'],
            rows.map((row) => [
              row.role,
              String(row.number),
              row.state,
              row.notBefore,
              row.openUntil ?? 'no end',
              row.verifyUntil ?? 'no end',
              ...KEY_USES.map((use) => row.keyIds[use]),
              row.file ?? 'not here',
            ]),
          ),
        );
        const seeds = noteSeedRows(options.home);
        if (seeds.length === 0) return;
        output.write(
          `\n${tableText(
            ['seeds of', '>number', 'state', 'secret'],
            seeds.map(({ number, state, file }) => [NOTES_OWNER, String(number), state, file]),
          )}`,
        );
      }),
    );
}

function showCommand(output: Output): Command {
  return withHome(new Command('show'))
    .description('Show the root key, the directory and where each role is')
    .option('--json', 'print one JSON object')
    .action((options: JsonOption) =>
      withHomeErrors(async () => {
        const files = new PrivateFiles();
        const paths = new HomePaths(options.home);
        const directory = directoryOf(files, paths);
        const { content } = directory;
        const rootKey = !files.exists(paths.root)
          ? 'elsewhere'
          : isEncrypted(files.readPrivate(paths.root), paths.root)
            ? 'encrypted'
            : 'here';
        const roles = content.roles.map(({ role, address }) => ({ role, address }));
        const operators = content.operators.map(({ name, channelKey, notAfter }) => ({
          name,
          channelKey: fingerprint(channelKey, systemCrypto.sha256),
          notAfter: end(notAfter),
        }));
        if (options.json) {
          const { serial, createdAt } = content;
          const shown = {
            fingerprint: directory.rootFingerprint,
            rootKey,
            serial,
            createdAt: isoTime(createdAt),
          };
          output.write(jsonText({ ...shown, roles, operators }));
          return;
        }
        output.write(
          [
            `root key   ${directory.rootFingerprint} (${rootKey})`,
            `directory  serial ${content.serial}, signed ${isoTime(content.createdAt)}`,
            '',
            tableText(
              ['role', 'address'],
              roles.map(({ role, address }) => [role, address]),
            ),
            tableText(
              ['operator', 'channel key', 'until'],
              operators.map(({ name, channelKey, notAfter }) => [name, channelKey, notAfter ?? 'no end']),
            ),
          ].join('\n'),
        );
      }),
    );
}

function rotateCommand(output: Output): Command {
  return withHome(new Command('rotate'))
    .description('Give a role new keys, the old ones still open for the overlap; or notes a new seed')
    .addArgument(new Argument('<role>').choices([...ROLES, NOTES_OWNER]))
    .option(
      '--overlap <days>',
      `how long the old keys still open; ${OVERLAP_DAYS_DEFAULT} when left out`,
      wholeNumber(0, OVERLAP_DAYS_MAX),
    )
    .option('--compromised', 'the old keys are in wrong hands: nothing of theirs counts from now on')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Needs keys/root.key. Running roles take the new directory within seconds, once their new key file is beside the old one.
notes: needs the newest seed instead. Running issuers and receivers sign by the new one within seconds; notes of older ones
are taken in for ever.

Examples:
  $ specie keys rotate settlement --overlap 90
  $ specie keys rotate cash --compromised
  $ specie keys rotate notes`,
    )
    .action((role: RoleName | typeof NOTES_OWNER, options: RotateCommandOptions) =>
      withHomeErrors(async () => {
        if (role === NOTES_OWNER) {
          await rotateSeed(options, output);
          return;
        }
        const rotation = await rotateKeys({
          home: options.home,
          role,
          overlapDays: options.overlap,
          compromised: options.compromised,
          passphrase: passphraseSource(passphraseOptions(options)),
        });
        const directory = directoryOf(new PrivateFiles(), new HomePaths(options.home));
        const old = directory.role(role)!.keySets.find(({ number }) => number === rotation.before.number)!;
        output.write(options.json ? rotationJson(rotation, old) : rotationText(rotation, old));
      }),
    );
}

async function rotateSeed(options: RotateCommandOptions, output: Output): Promise<void> {
  if (options.overlap !== undefined || options.compromised !== undefined) {
    throw new CommandError(
      `rotate ${NOTES_OWNER}: expected neither --overlap nor --compromised, got one: notes of old seeds are taken in for ever (docs/keys.md)`,
    );
  }
  const rotation = await rotateNotes({
    home: options.home,
    passphrase: passphraseSource(passphraseOptions(options)),
  });
  output.write(options.json ? jsonText(rotation) : seedRotationText(rotation));
}

function retireCommand(output: Output): Command {
  return withHome(new Command('retire'))
    .description('Remove secret keys that open nothing any more, and entries whose signatures do not count')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Settlement opens charges under way with keys beyond their time. After rotate settlement --compromised, wait until those
that are older than the rotation have ended: without the key they can be neither taken further nor given back.`,
    )
    .action((options: JsonOption) =>
      withHomeErrors(async () => {
        const retirement = await retireKeys({
          home: options.home,
          passphrase: passphraseSource(passphraseOptions(options)),
        });
        output.write(options.json ? jsonText(retirement) : retirementText(retirement));
      }),
    );
}

function operatorCommand(output: Output, what: 'add-operator' | 'remove-operator'): Command {
  const adds = what === 'add-operator';
  return withHome(new Command(what))
    .description(
      adds
        ? 'Make keys for another operator, whom every role lets in'
        : "Take an operator's key out of the directory: no role lets it in any more",
    )
    .argument('<name>', 'a-z, 0-9, . _ -')
    .option('--json', 'print one JSON object')
    .action((name: string, options: JsonOption) =>
      withHomeErrors(async () => {
        const work = adds ? addOperator : removeOperator;
        const changed = await work({
          home: options.home,
          name,
          passphrase: passphraseSource(passphraseOptions(options)),
        });
        const { path, found, serial } = changed;
        output.write(
          options.json
            ? jsonText(changed)
            : `operator ${name}: ${adds ? `keys in ${path}` : 'removed'}; the directory has serial ${serial}\n${
                found
                  ? `Its key file was there already. If you have not begun this before, it is not yours: remove-operator ${name}\n`
                  : ''
              }`,
        );
      }),
    );
}

function directoryOf(files: PrivateFiles, paths: HomePaths): Directory {
  return readDirectory(files, paths, readConfiguration(files, paths).root);
}

function end(time: bigint): string | null {
  return time === FOREVER ? null : isoTime(time);
}

function stateOf({ notBefore, notAfter, openUntil, verifyUntil }: ListedKeySet, now: bigint): string {
  if (now < notBefore) return 'not yet in use';
  if (now <= notAfter) return 'in use';
  if (now <= openUntil) return 'still opens';
  return now <= verifyUntil ? 'still counts' : 'over';
}

function keySetRows(home: string) {
  const files = new PrivateFiles();
  const paths = new HomePaths(home);
  const now = systemClock();
  return directoryOf(files, paths).content.roles.flatMap(({ role, keySets }) =>
    keySets.map((keySet) => {
      const path = paths.keySet(role, keySet.number);
      const ids = KEY_USES.map((use) => [use, toHex(keyIdOf(keySet.keys[use], systemCrypto.sha256))]);
      return {
        role,
        number: keySet.number,
        state: stateOf(keySet, now),
        notBefore: isoTime(keySet.notBefore),
        notAfter: end(keySet.notAfter),
        openUntil: end(keySet.openUntil),
        verifyUntil: end(keySet.verifyUntil),
        keyIds: Object.fromEntries(ids) as { [use in (typeof KEY_USES)[number]]: string },
        file: files.exists(path) ? path : undefined,
      };
    }),
  );
}

/** Those that are here: no directory names them. */
function noteSeedRows(home: string) {
  const files = new PrivateFiles();
  const paths = new HomePaths(home);
  const numbers = keyFileNumbers(files, paths.notes);
  return numbers.map((number) => ({
    number,
    state: number === numbers.at(-1) ? 'signs' : 'taken in',
    file: paths.noteSeed(number),
  }));
}

function seedRotationText({ number, path }: NoteSeedRotation): string {
  return [
    `notes: seed ${number} signs from now on: ${path}`,
    `Where issuer and receiver run on other machines, copy it to the receiver's, then to the issuer's. Keep the older ones: notes`,
    'of theirs may come in at any time.',
    '',
  ].join('\n');
}

function rotationJson({ before: _, ...rotation }: Rotation, old: ListedKeySet): string {
  const before = { number: old.number, openUntil: end(old.openUntil), verifyUntil: end(old.verifyUntil) };
  return jsonText({ ...rotation, before });
}

function rotationText({ role, number, path, found, leftAlone, serial }: Rotation, old: ListedKeySet): string {
  const notes = leftAlone.map(
    (other) =>
      `${other} was there already, and is not in the directory: not taken. specie keys retire removes it, if its number is lower.`,
  );
  if (found) {
    notes.push(
      `${path} was there already: a rotation had been begun. If it was not by you, rotate again with --compromised.`,
    );
  }
  return [
    `${role}: key set ${number} is in use: ${path}`,
    ...notes,
    `Key set ${old.number} opens until ${isoTime(old.openUntil)}; its signatures count until ${isoTime(old.verifyUntil)}.`,
    `The directory has serial ${serial}. Where roles run on other machines, copy ${role}'s new key file to its own, then`,
    'directory.json to all.',
    '',
  ].join('\n');
}

function retirementText({ removed, unlisted, waiting }: Retirement): string {
  const lines = [
    ...removed.map(({ path }) => `removed ${path}`),
    ...(removed.some(({ role }) => role === 'settlement')
      ? [
          'charges under way that are sealed to these keys of settlement end only if its process goes on running',
        ]
      : []),
    ...unlisted.map(({ role, number }) => `key set ${number} of ${role} is not in the directory any more`),
    ...waiting.map(
      ({ role, number }) => `key set ${number} of ${role} stays in the directory: keys/root.key is not here`,
    ),
  ];
  return `${lines.length === 0 ? 'no key set is beyond its time' : lines.join('\n')}\n`;
}
