import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fillPath } from '../../shared/api.ts';
import { shortId } from '../../shared/ids.ts';
import { assertPrivateFolder, ensureLocalFolder } from '../../shared/local-folder.ts';
import {
  homeFrom,
  homePaths,
  isNetworkDirectory,
  runDirectory,
  runLocalDirectory,
} from '../../shared/paths.ts';

let folder = '';
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'qwex-paths-')));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const local = () => false;

describe('the home', () => {
  it('is QWEX_HOME, or .qwex in HOME, and always absolute', () => {
    expect(homeFrom({ QWEX_HOME: '/x/y/', HOME: '/home/me' })).toBe('/x/y');
    expect(homeFrom({ HOME: '/home/me' })).toBe('/home/me/.qwex');
    expect(homeFrom({ QWEX_HOME: '', HOME: '/home/me' })).toBe('/home/me/.qwex');
    expect(homeFrom({ QWEX_HOME: 'here' })).toBe(join(process.cwd(), 'here'));
  });

  it('holds everything, when it can', () => {
    const paths = homePaths('/home/me/.qwex', { isNetwork: local });
    expect(paths).toMatchObject({ local: '/home/me/.qwex', localReason: null, runs: '/home/me/.qwex' });
    expect(paths.socket).toBe('/home/me/.qwex/daemon.sock');
    expect(runDirectory(paths, 'project', 'id')).toBe('/home/me/.qwex/project/runs/id');
    expect(runLocalDirectory(paths, 'project', 'id')).toBe('/home/me/.qwex/project/runs/id');
  });

  it('of a path too long for a socket has its socket elsewhere, and nothing but that and locks', () => {
    const longest = `/${'x'.repeat(107 - '/daemon.sock'.length - 1)}`;
    expect(homePaths(longest, { isNetwork: local }).localReason).toBeNull();
    const paths = homePaths(`${longest}x`, { isNetwork: local });
    expect(paths.localReason).toBe('long_path');
    expect(paths.socket).toMatch(/^\/tmp\/qwex-\d+\/[0-9a-f]{12}\/daemon\.sock$/);
    expect(paths.database).toBe(`${longest}x/qwex.db`);
    expect(runLocalDirectory(paths, 'p', 'id')).toBe(`${longest}x/p/runs/id`);
    // Bytes count, not characters.
    expect(homePaths(`/${'ü'.repeat(60)}`, { isNetwork: local }).localReason).toBe('long_path');
  });

  it('on a network has socket, locks and fifos on this machine, and all that one daemon alone may have for each machine', () => {
    const paths = homePaths('/nfs/me', { isNetwork: (directory) => directory === '/nfs/me' });
    expect(paths.localReason).toBe('network_home');
    const own = join('/nfs/me/hosts', paths.machine ?? '');
    expect(paths.machine).toMatch(/^[^/]+$/);
    expect(paths).toMatchObject({
      ...{ database: join(own, 'qwex.db'), environments: join(own, 'env'), ended: join(own, 'ended') },
      ...{ spaces: join(own, 'spaces'), trash: join(own, 'spaces', '.trash'), runs: '/nfs/me' },
    });
    expect(runLocalDirectory(paths, 'p', 'id')).toBe(join(paths.local, 'runs', 'id'));
    expect(runDirectory(paths, 'p', 'id')).toBe('/nfs/me/p/runs/id');
  });

  it('gives two homes two places', () => {
    const at = (home: string) => homePaths(home, { isNetwork: () => true }).local;
    expect(at('/nfs/a')).not.toBe(at('/nfs/b'));
    expect(at('/nfs/a')).toBe(at('/nfs/a'));
  });

  it('may have its big folders elsewhere', () => {
    const paths = homePaths('/h', { isNetwork: local, spaces: '/big/spaces', runs: '/big/runs' });
    expect(paths.trash).toBe('/big/spaces/.trash');
    expect(paths.pool).toBe('/big/spaces/.pool');
    expect(runDirectory(paths, 'p', 'id')).toBe('/big/runs/p/runs/id');
  });

  it('is judged by the nearest folder that exists', () => {
    expect(isNetworkDirectory(join(folder, 'not', 'there'))).toBe(isNetworkDirectory(folder));
  });
});

describe('a folder for the socket', () => {
  const fallback = () => ({ local: join(folder, 'qwex-1', 'abc'), localReason: 'long_path' as const });

  it('is made private, and again is no fault', () => {
    ensureLocalFolder(fallback());
    ensureLocalFolder(fallback());
    for (const path of [join(folder, 'qwex-1'), join(folder, 'qwex-1', 'abc')])
      expect(statSync(path).mode & 0o777).toBe(0o700);
  });

  it.each<[string, (outer: string) => void, RegExp]>([
    ['a symlink', (outer) => symlinkSync('/tmp', outer), /is not a folder/],
    ['a file', (outer) => writeFileSync(outer, ''), /is not a folder/],
    [
      'open to others',
      (outer) => mkdirSync(outer) ?? chmodSync(outer, 0o755),
      /is open to others \(mode 755\)/,
    ],
  ])('is refused when the outer one is %s', (_, make, words) => {
    make(join(folder, 'qwex-1'));
    expect(() => ensureLocalFolder(fallback())).toThrow(
      expect.objectContaining({ code: 'forbidden', message: expect.stringMatching(words) }),
    );
  });

  it('is refused when the inner one is a symlink', () => {
    mkdirSync(join(folder, 'qwex-1'), { mode: 0o700 });
    symlinkSync('/tmp', join(folder, 'qwex-1', 'abc'));
    expect(() => ensureLocalFolder(fallback())).toThrow(/abc is not a folder/);
  });

  it('is refused when it belongs to another user', () => {
    mkdirSync(join(folder, 'theirs'), { mode: 0o700 });
    const uid = statSync(folder).uid;
    expect(() => assertPrivateFolder(join(folder, 'theirs'), uid)).not.toThrow();
    expect(() => assertPrivateFolder(join(folder, 'theirs'), uid + 1)).toThrow(/belongs to another user/);
  });

  it('in the home itself is just made', () => {
    const home = join(folder, 'deep', 'home');
    ensureLocalFolder({ local: home, localReason: null });
    expect(statSync(home).mode & 0o777).toBe(0o700);
  });
});

describe('a path of the API', () => {
  it('takes each parameter as one segment, whatever is in it', () => {
    const row = { method: 'get', path: '/runs/{id}/artifacts/{name}/url' } as const;
    expect(fillPath(row, { id: '@~2', name: '../a b%2F?#' })).toBe(
      '/runs/%40~2/artifacts/..%2Fa%20b%252F%3F%23/url',
    );
    expect(() => fillPath(row, { id: 'x' })).toThrow(/needs name/);
  });
});

it('a short id is the end of the id, where two ids of one day differ', () => {
  expect(shortId('018f5a20-1111-7abc-8def-0123456789ab')).toBe('456789ab');
});
