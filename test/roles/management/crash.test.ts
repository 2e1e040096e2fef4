// Management's process ends at each trace point of enrolments and loads: nothing is done twice, nothing is left undone, and
// what was answered once stays answered.
import { describe, expect, test } from 'vitest';
import type { EnrolAnswer, LoadAnswer } from '../../../src/roles/management/messages.ts';
import {
  type Call,
  creditReceipt,
  Device,
  type Fate,
  ok,
  rejected,
  Stage,
  sealedAccount,
} from './support.ts';

const ada = new Device(1);
const REQUEST = 5_000n;

interface Ending {
  readonly stage: Stage;
  readonly enrolled: EnrolAnswer | string;
  readonly loaded: LoadAnswer | string;
}

type Script = (call: Call, request: unknown) => ReturnType<Stage['partners']['script']>;

/** Ada enrols, and loads from the account on file. */
async function day(fate: Fate, script: Script): Promise<Ending> {
  const stage = await Stage.open({}, fate);
  stage.partners.script = script;
  const enrol = () => stage.as(ada.unenrolled).enrol(ada.enrolment({ account: sealedAccount(1) }));
  const enrolled = await stage.ask(enrol);
  if (typeof enrolled === 'string' || enrolled.kind !== 'enrolled')
    throw new Error('expected it to be enrolled');
  const { device } = enrolled;
  const message = { order: ada.order(REQUEST, { account: 101n }), account: undefined };
  const load = () => stage.as(ada.peer(device)).load(message);
  const loaded = await stage.ask(load);
  expect(await stage.ask(enrol)).toEqual(enrolled);
  expect(await stage.ask(load)).toEqual(loaded);
  return { stage, enrolled, loaded };
}

interface Scenario {
  readonly name: string;
  readonly script: Script;
  readonly loaded: (device: bigint) => LoadAnswer;
  readonly charged: boolean;
  readonly credited: boolean;
  readonly history: string;
}

const scenarios: readonly Scenario[] = [
  {
    name: 'a load that succeeds',
    script: () => undefined,
    loaded: (device) => ({ kind: 'loaded', receipt: creditReceipt(device, ada.order(REQUEST)) }),
    charged: true,
    credited: true,
    history: 'charging crediting loaded',
  },
  {
    name: 'a load that is declined',
    script: (call) => (call === 'charge' ? ok({ kind: 'declined', reason: 'no_funds' }) : undefined),
    loaded: () => ({ kind: 'declined', reason: 'no_funds' }),
    charged: false,
    credited: false,
    history: 'charging declined',
  },
  {
    name: 'a load that is given back',
    script: (call, request) => (call === 'credit' ? rejected(request) : undefined),
    loaded: () => ({ kind: 'reversed', reason: 'closed' }),
    charged: false,
    credited: false,
    history: 'charging crediting reversing reversed',
  },
];

async function expectWhole({ stage, enrolled, loaded }: Ending, scenario: Scenario): Promise<void> {
  const { partners } = stage;
  const { device } = enrolled as { device: bigint };
  expect(loaded).toEqual(scenario.loaded(device));
  expect(partners.charged.has(REQUEST)).toBe(scenario.charged);
  expect([...partners.credited]).toEqual(scenario.credited ? [[REQUEST, { device, amount: 2_500n }]] : []);
  // One device, one number: an account in each currency, and nothing of a number that was drawn and lost.
  expect([...partners.opened.keys()]).toEqual([`${device} 978`, `${device} 840`]);
  const devices = await stage.settle(stage.operator.listDevices({ after: undefined, limit: 10 }));
  expect(devices).toMatchObject({ answer: { devices: [{ device, accountOnFile: true }] } });
  const report = await stage.settle(stage.operator.lookupRequest({ request: REQUEST }));
  if (report.kind !== 'ok') throw new Error('expected a report');
  expect(report.answer.report!.history.map(({ state }) => state).join(' ')).toBe(scenario.history);
}

describe.each(scenarios)('$name', (scenario) => {
  test('on a calm day', async () => {
    await expectWhole(await day(() => 'lives', scenario.script), scenario);
  });

  test.each(['lost', 'flushed'] as const)('with an end at each trace point, writes %s', async (loss) => {
    const { stage } = await day(() => 'lives', scenario.script);
    expect(stage.tracePoints).toBeGreaterThan(15);
    for (let end = 1; end <= stage.tracePoints; end++) {
      const ending = await day((number) => (number === end ? loss : 'lives'), scenario.script);
      expect(ending.stage.crashes).toBe(1);
      await expectWhole(ending, scenario);
    }
  });

  test('with ends one after the other, a new one in each recovery', async () => {
    for (let every = 2; every <= 9; every++) {
      let left = 25;
      const fate: Fate = (number) =>
        number % every === 0 && left-- > 0 ? (number % 2 ? 'lost' : 'flushed') : 'lives';
      await expectWhole(await day(fate, scenario.script), scenario);
    }
  });
});
