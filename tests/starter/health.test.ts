import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { failure } from '../../src/failures.js';
import type { HealthChecks } from '../../src/starter/health.js';
import { deferred } from './deferred.js';
import { startTestStarter, type TestStarter } from './start-test-starter.js';

let starter: TestStarter;
afterEach(async () => {
  jest.useRealTimers();
  await starter.stop();
});

const up = async () => true;
const down = async () => false;
const failing = () => Promise.reject(new Error('connect ECONNREFUSED 10.0.0.7:5432'));
const hanging = () => new Promise<boolean>(() => undefined);

async function ask(path: string, checks: Partial<HealthChecks>) {
  starter = await startTestStarter({
    health: { temporal: up, postgres: up, draining: () => false, ...checks },
  });
  const response = await fetch(starter.url + path);
  return { status: response.status, body: await response.json() };
}

describe('/readyz', () => {
  const answers = (temporal: string, postgres: string, status: string) => ({ status, temporal, postgres });

  test.each<[string, number, object, Partial<HealthChecks>]>([
    ['with both there', 200, answers('ok', 'ok', 'ok'), {}],
    ['without Temporal', 503, answers('down', 'ok', 'down'), { temporal: down }],
    ['without Postgres', 503, answers('ok', 'down', 'down'), { postgres: down }],
    ['with neither', 503, answers('down', 'down', 'down'), { temporal: down, postgres: down }],
    ['with a check that fails', 503, answers('ok', 'down', 'down'), { postgres: failing }],
    [
      'with a check that fails for a known reason',
      503,
      { ...answers('ok', 'down', 'down'), code: 'SCHEMA_MISSING' },
      { postgres: () => Promise.reject(failure('SCHEMA_MISSING', 'marker')) },
    ],
    ['while draining', 503, answers('ok', 'ok', 'draining'), { draining: () => true }],
    [
      'while draining, without Temporal',
      503,
      answers('down', 'ok', 'draining'),
      { draining: () => true, temporal: down },
    ],
  ])('%s answers %i', async (_, status, body, checks) => {
    expect(await ask('/readyz', checks)).toEqual({ status, body });
  });

  test('answers after 3 seconds when a check does not', async () => {
    jest.useFakeTimers({
      doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'clearImmediate', 'Date', 'performance'],
    });
    const asked = deferred();
    let answered = false;
    const asking = ask('/readyz', {
      temporal: () => {
        asked.resolve();
        return hanging();
      },
    }).finally(() => {
      answered = true;
    });
    await asked.promise;
    await jest.advanceTimersByTimeAsync(2_999);
    // Two requests later, an answer sent by now would have come.
    for (let n = 0; n < 2; n += 1) await fetch(`${starter.url}/healthz`);
    expect(answered).toBe(false);
    await jest.advanceTimersByTimeAsync(1);
    expect(await asking).toEqual({ status: 503, body: { status: 'down', temporal: 'down', postgres: 'ok' } });
  });

  test('asks Temporal and Postgres anew each time', async () => {
    let asked = 0;
    const counting = async () => {
      asked += 1;
      return asked > 2;
    };
    expect((await ask('/readyz', { temporal: counting, postgres: counting })).status).toBe(503);
    expect((await fetch(`${starter.url}/readyz`)).status).toBe(200);
  });
});

describe('/healthz', () => {
  test('answers 200 whatever is away, for webhooks are still taken', async () => {
    const checks = { temporal: failing, postgres: hanging, draining: () => true };
    expect(await ask('/healthz', checks)).toEqual({ status: 200, body: { status: 'ok' } });
  });
});
