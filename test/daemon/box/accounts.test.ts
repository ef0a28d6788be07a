// A box with three real accounts, under the kernel's rules of stock Debian and Ubuntu.

import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { boxPlaces } from '../../../daemon/box/files/places.ts';
import { Account, isRoot, protectRegularFiles } from '../../rig/accounts.ts';
import { isMissing } from '../../rig/needs.ts';
import { RemoteMember } from './accounts-rig.ts';
import { BoxRig } from './rig.ts';

// Somebody without root can't make accounts; a build server that can't is misconfigured, and has to say so.
if (!isRoot && process.env.CI !== 'true') console.warn('not root: the tests with real accounts are left out');

describe.skipIf(isMissing(isRoot, 'root, who alone can make accounts'))(
  'three accounts',
  { timeout: 60_000 },
  () => {
    let accounts: Account[] = [];
    let protection: Disposable | undefined;

    beforeAll(() => {
      protection = protectRegularFiles();
      accounts = ['a', 'b', 'c'].map((letter) => new Account(letter));
    });

    afterAll(() => {
      for (const account of accounts) account[Symbol.dispose]();
      protection?.[Symbol.dispose]();
    });

    const [first, second, third] = [0, 1, 2].map((index) => () => {
      const account = accounts[index];
      if (account === undefined) throw new Error('the account was not made');
      return account;
    }) as [() => Account, () => Account, () => Account];

    test('share the devices: each takes its own, and wakes the next', async () => {
      await using rig = await BoxRig.open({ devices: 2 });
      await using members = await RemoteMember.joinAll(rig, [first(), second(), third()]);
      const [a, b, c] = members.all;
      const going = await a.hold(await a.turnOf(await a.put({ gpus: 2 })));
      const [next, last] = [await b.put({ gpus: 2 }), await c.put({ gpus: 2 })];
      const [turnOfB, turnOfC] = [b.turnOf(next), c.turnOf(last)];
      await going.end();
      const held = await b.hold(await turnOfB);
      await held.end('crash');
      expect(await turnOfC).toMatchObject({ run: last, devices: ['gpu0', 'gpu1'] });
      // Whoever has no turn to wait for decides all the same when it is called.
      for (const member of [a, b]) await member.ask({ do: 'decide' });
      expect(await c.ask({ do: 'findings' })).toEqual([expect.stringContaining('in order')]);
      const usage = new Map((await c.ask({ do: 'usage' })) as [number, number][]);
      expect(usage.get(first().uid)).toBeGreaterThan(0);
    });

    test("can't remove, change, replace or outdate each other's files", async () => {
      await using rig = await BoxRig.open({ devices: 1 });
      await using members = await RemoteMember.joinAll(rig, [first(), second()]);
      const [a, b] = members.all;
      const places = boxPlaces(rig.root);
      const grant = await a.turnOf(await a.put());
      await a.hold(grant);
      const [run, other] = [await a.put(), await b.put()];
      await a.decide();
      const targets = [places.ticket(run), grant.leasePath, grant.lifePath, places.deviceLock('gpu0')];
      targets.push(places.arbiterLock, places.boxFile, places.tickets, places.locks);
      for (const path of targets) {
        const before = statSync(path, { bigint: true });
        const isFolder = before.isDirectory();
        const lines = [
          'mv PATH PATH.x',
          'ln -sfT /etc/passwd PATH',
          'touch -d 1990-01-01 PATH',
          'chmod 777 PATH',
        ];
        if (isFolder) lines.push('rmdir PATH');
        else lines.push('rm -f PATH', ': >PATH', ': >>PATH', 'exec 3<>PATH');
        for (const line of lines) {
          const { code } = second().shell(line.replaceAll('PATH', `'${path}'`));
          expect(`${line} on ${path}: ${code === 0 ? 'done' : 'refused'}`).toBe(
            `${line} on ${path}: refused`,
          );
        }
        const after = statSync(path, { bigint: true });
        expect([after.ino, after.mode, isFolder || after.mtimeNs]).toEqual([
          before.ino,
          before.mode,
          isFolder || before.mtimeNs,
        ]);
      }
      // What they may do is to wake; not by creating, though, but by writing into what is there.
      const wake = places.wakeFile(keyOf(rig, first().uid));
      const seen = a.wakes;
      expect(second().shell(`: 1<>'${wake}'`).code).not.toBe(0);
      expect(second().shell(`printf x | dd of='${wake}' conv=nocreat,notrunc status=none`)).toEqual({
        code: 0,
        said: '',
      });
      await a.woken(seen);
      await b.decide();
      expect(await b.ask({ do: 'why', run: other })).toMatch(/1 ahead|first in line/);
    });

    test("can't make themselves older, or speak for another", async () => {
      await using rig = await BoxRig.open({ devices: 1 });
      await using members = await RemoteMember.joinAll(rig, [first(), second()]);
      const [a, b] = members.all;
      const places = boxPlaces(rig.root);
      await a.hold(await a.turnOf(await a.put()));
      const [run, other] = [await b.put(), await b.put()];
      await b.decide();
      expect(second().shell(`touch -d 1990-01-01 '${places.ticket(other)}'`).code).toBe(0);
      await b.decide();
      expect(await b.ask({ do: 'why', run })).toContain('first in line');
      expect(await b.ask({ do: 'why', run: other })).toContain('1 ahead');
      const forged = randomUUID();
      const ticket = {
        run: forged,
        daemon: keyOf(rig, first().uid),
        gpus: 1,
        type: null,
        timeMs: 1,
        priority: 9,
        prepared: true,
      };
      second().shell(`printf %s '${JSON.stringify(ticket)}' >'${places.ticket(forged)}'`);
      expect(await a.ask({ do: 'findings' })).toEqual([
        expect.stringContaining("it names another member's daemon"),
      ]);
      expect(statSync(places.ticket(forged)).uid).toBe(second().uid);
    });

    test("can't stop the line with what is no ticket, or with what is not theirs", async () => {
      await using rig = await BoxRig.open({ devices: 1 });
      await using a = await RemoteMember.join(rig, first());
      const places = boxPlaces(rig.root);
      const path = () => `'${places.ticket(randomUUID())}'`;
      for (const line of [
        `mkfifo ${path()}`,
        `ln -s /dev/zero ${path()}`,
        `head -c 200000 /dev/zero >${path()}`,
        `mkdir ${path()}`,
        `ln -s ${path()} ${path()}`,
        `(umask 077; echo {} >${path()})`,
      ]) {
        expect(second().shell(line)).toEqual({ code: 0, said: '' });
      }
      expect(await a.turnOf(await a.put())).toMatchObject({ devices: ['gpu0'] });
      const findings = (await a.ask({ do: 'findings' })) as string[];
      expect(findings.filter((message) => message.includes('is ignored'))).toHaveLength(6);
    });

    test("can't keep a daemon out by taking the names that it would use", async () => {
      await using rig = await BoxRig.open({ devices: 1 });
      const places = boxPlaces(rig.root);
      const before = await RemoteMember.join(rig, third());
      const key = keyOf(rig, third().uid);
      await before[Symbol.asyncDispose]();
      third().shell(`rm -f '${places.wake}'/* '${places.leases}'/* '${places.usage}'/*`);
      for (const path of [
        places.usageFile(key),
        places.wakeFile(key),
        places.presence(key),
        places.note(key),
      ]) {
        expect(second().shell(`echo mine >'${path}'`).code).toBe(0);
      }
      await using c = await RemoteMember.join(rig, third());
      expect(await c.turnOf(await c.put())).toMatchObject({ devices: ['gpu0'] });
      expect(((await c.ask({ do: 'findings' })) as string[]).join()).toContain(
        "its name is another member's",
      );
    });

    test('an arbiter that one holds for ever costs the others a wait', async () => {
      await using rig = await BoxRig.open({ devices: 1 });
      await using members = await RemoteMember.joinAll(rig, [first(), second()]);
      const [a, b] = members.all;
      const places = boxPlaces(rig.root);
      const turn = b.account.command('flock', [
        '-x',
        places.arbiterLock,
        'sh',
        '-c',
        'echo held; exec sleep 1000',
      ]);
      using _hog = await holding(turn);
      expect(await a.turnOf(await a.put())).toMatchObject({ devices: ['gpu0'] });
      const findings = ((await a.ask({ do: 'findings' })) as string[]).join();
      expect(findings).toContain(`${second().name}'s`);
      expect(findings).toContain('has been holding the arbiter');
    });

    test('a daemon that hangs at the head of the line is passed over', async () => {
      await using rig = await BoxRig.open({ devices: 1 });
      await using members = await RemoteMember.joinAll(rig, [first(), second(), third()]);
      const [a, b, c] = members.all;
      const going = await c.hold(await c.turnOf(await c.put()));
      const head = await a.put();
      await a.decide();
      const next = await b.put();
      const turn = b.turnOf(next);
      await b.ask({ do: 'why', run: next });
      process.kill(a.pid, 'SIGSTOP');
      await going.end();
      expect(await turn).toMatchObject({ run: next });
      process.kill(a.pid, 'SIGCONT');
      await b.ask({ do: 'give_back', run: next });
      expect(await a.turnOf(head)).toMatchObject({ run: head });
    });

    test('a box for a group lets nobody else in', async () => {
      const { initBox } = await import('../../../daemon/box/index.ts');
      await using rig = await BoxRig.open({ devices: 1 });
      const path = `${rig.folder}/lab`;
      const devices = [{ id: 'gpu0', uuid: null, type: 'x', memoryMb: 1 }];
      await initBox({ path, group: first().name, source: 'declared', devices, defaultTimeMs: 1000 });
      expect(first().shell(`echo x >'${path}/tickets/x'; ls '${path}/tickets'`)).toEqual({
        code: 0,
        said: 'x\n',
      });
      expect(second().shell(`echo x >'${path}/tickets/y'`).code).not.toBe(0);
      expect(second().shell(`ls '${path}/tickets'`).code).not.toBe(0);
      expect(readFileSync(`${path}/box.yaml`, 'utf8')).toContain('source: declared');
    });
  },
);

function keyOf(rig: BoxRig, uid: number): string {
  const names = readdirSync(boxPlaces(rig.root).wake).filter((name) => name.startsWith(`${uid}-`));
  return names.map((name) => name.replace(/\.[a-z]+$/, ''))[0] ?? '';
}

async function holding([program, args]: [string, string[]]): Promise<Disposable> {
  const child = spawn(program, args, { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return { [Symbol.dispose]: () => void process.kill(-(child.pid ?? 0), 'SIGKILL') };
}
