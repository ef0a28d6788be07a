// What programs do to their spaces, each as nasty as can be.

import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Rig } from './rig.ts';

/** Of the commit that they run in. There is a link to `pkg/deep` called `link` beside. */
export const COMMITTED = {
  '.gitignore': '*.log\ncache/\n',
  'main.py': 'print(1)\n',
  'run.sh': '#!/bin/sh\n',
  'pkg/__init__.py': '',
  'pkg/deep/er/module.py': 'x = 1\n',
  'pkg/deep/other.py': 'y = 2\n',
  'data/.keep': '',
  'out/.keep': '',
  'täg\n"x/ü': 'odd\n',
};

export interface Nasty {
  what: string;
  program: (space: string, rig: Rig) => void;
  /** Instead of being used again the space is thrown away, at once or when it is asked for. */
  isGivenUp?: 'at once' | 'later';
}

const python = (script: string, ...args: string[]) => execFileSync('python3', ['-c', script, ...args]);
const write = (space: string, path: string, text: string) => {
  fs.mkdirSync(join(space, path, '..'), { recursive: true });
  fs.writeFileSync(join(space, path), text);
};
/** Puts other content of the same size into a file, and its times back to the nanosecond. */
const OVERWRITE = `
import os, sys
before = os.stat(sys.argv[1])
open(sys.argv[1], 'r+').write(sys.argv[2])
os.utime(sys.argv[1], ns=(before.st_atime_ns, before.st_mtime_ns))`;

export const NASTY: Nasty[] = [
  { what: 'does nothing', program: () => undefined },
  {
    what: 'leaves untracked, ignored and hidden files and folders, full and empty',
    program: (space) => {
      for (const path of [
        'a.log',
        'cache/x',
        'new/deep/file',
        'pkg/__pycache__/m.pyc',
        '.hidden',
        'out/m.pt',
      ])
        write(space, path, 'x');
      for (const path of ['empty', 'pkg/empty/deeper', 'data/empty'])
        fs.mkdirSync(join(space, path), { recursive: true });
    },
  },
  {
    what: 'edits, truncates, deletes and replaces tracked files',
    program: (space) => {
      write(space, 'main.py', 'print(2)\n');
      fs.truncateSync(join(space, 'run.sh'));
      fs.rmSync(join(space, 'pkg/__init__.py'));
      fs.rmSync(join(space, 'data/.keep'));
      fs.mkdirSync(join(space, 'data/.keep'));
      fs.rmSync(join(space, 'pkg/deep/other.py'));
      fs.symlinkSync('/etc/hostname', join(space, 'pkg/deep/other.py'));
    },
  },
  {
    what: 'edits a file of the same size and puts its times back',
    program: (space) => {
      python(OVERWRITE, join(space, 'main.py'), 'print(9)');
    },
  },
  {
    what: 'replaces a file by another of the same size and times',
    program: (space) => {
      const path = join(space, 'pkg/deep/er/module.py');
      const { atime, mtime } = fs.statSync(path);
      fs.writeFileSync(`${path}.new`, 'x = 2\n');
      fs.utimesSync(`${path}.new`, atime, mtime);
      fs.renameSync(`${path}.new`, path);
    },
  },
  {
    what: 'changes the modes of files and folders',
    program: (space) => {
      fs.chmodSync(join(space, 'main.py'), 0o600);
      fs.chmodSync(join(space, 'run.sh'), 0o777);
      fs.chmodSync(join(space, 'pkg/deep'), 0o777);
      fs.chmodSync(join(space, 'data'), 0o2755);
      fs.chmodSync(join(space, 'out'), 0o1777);
      fs.chmodSync(space, 0o777);
    },
  },
  {
    what: 'leaves folders that may not be read or written',
    program: (space) => {
      write(space, 'locked/deep/file', 'x');
      fs.chmodSync(join(space, 'locked/deep'), 0o000);
      fs.chmodSync(join(space, 'locked'), 0o555);
      fs.chmodSync(join(space, 'pkg'), 0o555);
      fs.chmodSync(space, 0o000);
    },
  },
  {
    what: 'replaces folders by links and links by folders',
    program: (space, rig) => {
      write(rig.folder, 'elsewhere/deep/other.py', 'mine');
      fs.rmSync(join(space, 'pkg'), { recursive: true });
      fs.symlinkSync(join(rig.folder, 'elsewhere'), join(space, 'pkg'));
      fs.rmSync(join(space, 'link'));
      write(space, 'link/file', 'x');
    },
  },
  {
    what: 'moves the folders about',
    program: (space) => {
      fs.renameSync(join(space, 'pkg/deep'), join(space, 'deep'));
      fs.renameSync(join(space, 'data'), join(space, 'pkg/deep'));
    },
  },
  {
    what: 'hard-links tracked files, and writes through the other name',
    program: (space, rig) => {
      fs.linkSync(join(space, 'main.py'), join(rig.folder, 'outside'));
      fs.appendFileSync(join(rig.folder, 'outside'), '# more\n');
      fs.linkSync(join(space, 'run.sh'), join(space, 'second-name'));
    },
  },
  {
    what: 'hard-links a file, and takes the other name away again',
    program: (space, rig) => {
      fs.linkSync(join(space, 'main.py'), join(rig.folder, 'outside'));
      fs.rmSync(join(rig.folder, 'outside'));
    },
  },
  {
    what: 'hides changes from git: assume-unchanged and skip-worktree',
    program: (space, rig) => {
      rig.git(['update-index', '--assume-unchanged', 'main.py'], space);
      rig.git(['update-index', '--skip-worktree', 'run.sh'], space);
      write(space, 'main.py', 'hidden');
      fs.rmSync(join(space, 'run.sh'));
    },
  },
  {
    what: 'writes into the index, in place',
    program: (space, rig) => {
      const index = rig.git(['rev-parse', '--git-path', 'index'], space).trim();
      const bytes = fs.readFileSync(index);
      fs.writeFileSync(index, bytes.subarray(0, bytes.length - 40));
    },
  },
  {
    what: 'commits, makes a branch and a stash, and bisects',
    program: (space, rig) => {
      rig.git(['checkout', '-q', '-b', `b${Date.now()}`], space);
      rig.commit({ 'main.py': 'committed\n' }, space);
      rig.git(['update-ref', 'refs/worktree/mine', 'HEAD'], space);
      rig.git(['bisect', 'start'], space);
      rig.git(['bisect', 'bad'], space);
      rig.git(['checkout', '-q', '--detach', 'main'], rig.root);
      rig.git(['bisect', 'good', 'main'], space);
    },
  },
  {
    what: 'stops in the middle of a rebase',
    program: (space, rig) => {
      rig.commit({ 'main.py': 'a\n' }, space);
      const mine = rig.head(space);
      rig.git(['reset', '-q', '--hard', 'HEAD~'], space);
      rig.commit({ 'main.py': 'b\n' }, space);
      expect(() => rig.git(['rebase', '-q', mine], space)).toThrow();
    },
  },
  {
    what: 'leaves a lock of git',
    program: (space, rig) => {
      const lock = rig.git(['rev-parse', '--git-path', 'index.lock'], space).trim();
      fs.writeFileSync(lock, '');
    },
  },
  {
    what: 'makes repositories inside',
    program: (space, rig) => {
      rig.init(join(space, 'nested'));
      rig.commit({ x: '1' }, join(space, 'nested'));
      rig.init(join(space, 'pkg/deep'));
    },
  },
  {
    what: 'makes its .git file point to another worktree',
    program: (space, rig) => {
      rig.git(['worktree', 'add', '-q', '--detach', join(rig.folder, 'theirs')]);
      fs.copyFileSync(join(rig.folder, 'theirs/.git'), join(space, '.git'));
    },
  },
  {
    what: 'replaces .git by a repository of its own',
    program: (space, rig) => {
      fs.rmSync(join(space, '.git'));
      rig.init(space);
      rig.commit({ 'main.py': 'own\n' }, space);
    },
  },
  {
    what: 'sets extended attributes on files and folders',
    program: (space) => {
      write(space, 'pkg/new', '');
      const set = "import os, sys; [os.setxattr(path, 'user.mine', b'1') for path in sys.argv[1:]]";
      python(set, ...['main.py', 'pkg', 'pkg/deep/er', ''].map((path) => join(space, path)));
    },
  },
  {
    what: 'gives a folder a default access list, and uses it afterwards',
    program: (space) => {
      const acl =
        "import os, struct, sys; e = lambda t, p, i: struct.pack('<HHI', t, p, i); n = 0xffffffff\n" +
        "os.setxattr(sys.argv[1], 'system.posix_acl_default', struct.pack('<I', 2) + e(1, 7, n) + e(2, 7, 1234) + e(4, 5, n) + e(16, 7, n) + e(32, 5, n))";
      for (const path of ['pkg', '']) python(acl, join(space, path));
      write(space, 'pkg/after', '');
      write(space, 'after', '');
    },
  },
  {
    what: 'leaves fifos, sockets and names of every kind',
    program: (space) => {
      execFileSync('mkfifo', [join(space, 'fifo'), join(space, 'pkg/fifo')]);
      fs.rmSync(join(space, 'main.py'));
      execFileSync('mkfifo', [join(space, 'main.py')]);
      for (const name of ['-rf', 'new\nline', ' ', 'x'.repeat(255)]) write(space, name, '');
      fs.writeFileSync(Buffer.from(join(space, 'latin-\xe9'), 'latin1'), '');
    },
  },
  {
    what: 'deletes everything',
    program: (space) => {
      for (const name of fs.readdirSync(space)) fs.rmSync(join(space, name), { recursive: true });
    },
  },
  {
    what: 'deletes the space itself',
    program: (space) => fs.rmSync(space, { recursive: true }),
    isGivenUp: 'at once',
  },
  {
    what: 'puts a link in the place of the space',
    program: (space, rig) => {
      fs.renameSync(space, join(rig.folder, 'mine'));
      fs.symlinkSync(join(rig.folder, 'mine'), space);
    },
    isGivenUp: 'at once',
  },
  {
    what: 'makes the repository forget the space',
    program: (space, rig) => void rig.git(['worktree', 'remove', '--force', '--force', space]),
    isGivenUp: 'at once',
  },
  {
    what: 'sets settings of its own for the worktree',
    program: (space, rig) => {
      rig.git(['config', 'extensions.worktreeConfig', 'true'], space);
      rig.git(['config', '--worktree', 'core.autocrlf', 'true'], space);
    },
    isGivenUp: 'later',
  },
  {
    what: 'changes the settings of the repository, so that files come out otherwise',
    program: (_, rig) => void rig.git(['config', 'core.eol', 'crlf']),
    isGivenUp: 'later',
  },
  {
    what: 'changes the attributes of the repository',
    program: (_, rig) => write(rig.commonDir, 'info/attributes', '*.py eol=crlf\n'),
    isGivenUp: 'later',
  },
];

if (process.getuid?.() === 0) {
  NASTY.push({
    what: 'gives files and folders to another account',
    program: (space) => {
      for (const path of ['main.py', 'pkg/deep', 'data']) fs.chownSync(join(space, path), 65534, 65534);
      write(space, 'theirs/file', '');
      fs.chownSync(join(space, 'theirs'), 65534, 65534);
    },
  });
}
