import { mkdtempSync } from 'node:fs';
import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Environments } from '../../../daemon/rundir/environments.ts';

let folder = '';
let environments: Environments;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qwex-env-'));
  environments = new Environments(join(folder, 'env'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('an environment', () => {
  it('comes back as it was kept, whatever its values hold', async () => {
    const text = fc.string({ unit: 'grapheme' }).map((value) => value.replaceAll('\0', ''));
    const name = text
      .map((value) => value.replaceAll('=', ''))
      .filter((value) => value !== '' && value !== '__proto__');
    await fc.assert(
      fc.asyncProperty(fc.dictionary(name, text), async (variables) => {
        expect(await environments.load(await environments.save(variables))).toEqual({ ...variables });
      }),
      { numRuns: 30 },
    );
  });

  it('is private, and one file for all who share it, in any order', async () => {
    const first = await environments.save({ A: '1', B: '2' });
    expect(await environments.save({ B: '2', A: '1' })).toBe(first);
    expect(await environments.save({ A: '1', B: '3' })).not.toBe(first);
    expect(await readdir(join(folder, 'env'))).toHaveLength(2);
    expect((await stat(environments.path(first))).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'env'))).mode & 0o777).toBe(0o700);
  });

  it('that is gone is ENOENT', async () => {
    const name = await environments.save({ A: '1' });
    environments.removeSync(name);
    environments.removeSync(name);
    await expect(environments.load(name)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('stays while a submission relies on it, though the last run that shared it ends meanwhile', async () => {
    const kept = await environments.whileKept({ A: '1' }, async (name) => {
      environments.removeSync(name);
      await environments.whileKept({ A: '1' }, () => environments.removeSync(name));
      environments.removeSync(name);
      return name;
    });
    expect(await environments.load(kept)).toEqual({ A: '1' });
    environments.removeSync(kept);
    await expect(environments.load(kept)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('that no run uses any more is swept away, and so is half of one', async () => {
    const [used, unused] = [await environments.save({ A: '1' }), await environments.save({ A: '2' })];
    await writeFile(join(folder, 'env', `${unused}.1234`), 'SECRET=ha');
    await environments.sweep((name) => name === used);
    expect(await readdir(join(folder, 'env'))).toEqual([used]);
    await new Environments(join(folder, 'none')).sweep(() => false);
  });
});
