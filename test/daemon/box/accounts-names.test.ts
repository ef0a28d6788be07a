// Names of accounts: asked for once, and not again and again where there is none.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { Accounts } from '../../../daemon/box/accounts.ts';

afterEach(() => void vi.unstubAllEnvs());

test('a number without a name is not asked for at each decision', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'qwex-getent-'));
  await using _ = { [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
  const asked = join(folder, 'asked');
  const script = `#!/bin/sh\necho "$*" >>'${asked}'\necho ann:x:4242:100::/:/bin/sh\nexit 2\n`;
  await writeFile(join(folder, 'getent'), script, { mode: 0o755 });
  vi.stubEnv('PATH', `${folder}:/usr/bin:/bin`);
  const accounts = new Accounts();
  await accounts.learn([4242, 4343, 4343]);
  await accounts.learn([4242, 4343]);
  await accounts.learn([4343]);
  expect([accounts.nameOf(4242), accounts.nameOf(4343)]).toEqual(['ann', 'uid 4343']);
  // A name in box.yaml is looked up whenever the file is read: its account may have been made since.
  await accounts.learn(['ben']);
  await accounts.learn(['ben']);
  expect(await readFile(asked, 'utf8')).toBe('passwd -- 4242 4343\npasswd -- ben\npasswd -- ben\n');
});
