import { expect, it } from 'vitest';
import { logoutCheck, watches } from '../../../daemon/house/checks/machine.ts';

it.each([
  [{ linger: true, kills: true }, 'ok'],
  [{ linger: false, kills: false }, 'ok'],
  [{ linger: false, kills: null }, 'warning'],
  [{ linger: false, kills: true }, 'warning'],
  [{ linger: null, kills: true }, 'warning'],
  [{ linger: null, kills: null }, 'ok'],
])('a logout with %o is %s', (facts, state) => {
  const { hint, ...found } = logoutCheck(facts);
  expect(found.state).toBe(state);
  expect(hint !== undefined).toBe(state === 'warning');
});

it.each(['EMFILE', 'ENOSPC'])('no more watches (%s) is told, and what happens then', async (code) => {
  const refuse = () => {
    throw Object.assign(new Error(code), { code });
  };
  const { state, message, hint } = await watches('/tmp', refuse);
  expect(state).toBe('warning');
  expect(message).toContain(code);
  expect(message).toContain('looking now and then');
  expect(hint).toMatch(/fs\.inotify\.max_user_instances=\d+/);
});

it('watches that there are enough of are counted', async () => {
  const { message } = await watches('/tmp');
  expect(message).toMatch(/\d+ of \d+ instances in use/);
});
