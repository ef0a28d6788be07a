import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { cronLine, systemdUnit } from '../../../cli/daemon-control/unit.ts';

const options = {
  node: '/opt/a b/node',
  launcher: '/opt/100%/$x/launch.sh',
  home: '/home/o"k/.qwex',
  path: '/bin:/usr/bin',
};

test('the unit ends nothing but the daemon, and quotes what systemd would act on', () => {
  const unit = systemdUnit(options);
  expect(unit).toContain('ExecStart="/bin/bash" "-p" "/opt/100%%/$$x/launch.sh" "/opt/a b/node"\n');
  expect(unit).toContain('Environment="QWEX_HOME=/home/o\\"k/.qwex"\nEnvironment="PATH=/bin:/usr/bin"\n');
  expect(unit).toMatch(/^KillMode=process$/m);
  expect(unit).toMatch(/^OOMPolicy=continue$/m);
  expect(unit).toMatch(/^Restart=on-failure$/m);
  expect(unit).toMatch(/^WantedBy=default\.target$/m);
});

test('the cron line is words for a shell, with % escaped for cron', () => {
  const line = cronLine({ ...options, home: "/it's" });
  expect(line).toMatch(/^@reboot /);
  expect(line.replaceAll('\\%', '')).not.toContain('%');
  const shellText = line.slice('@reboot '.length).replaceAll('\\%', '%').replace(/ >.*/, '');
  const words = execFileSync('bash', ['-c', `for word in ${shellText}; do printf '%s\\n' "$word"; done`]);
  expect(words.toString().trimEnd().split('\n')).toEqual([
    "QWEX_HOME=/it's",
    'PATH=/bin:/usr/bin',
    '/bin/bash',
    '-p',
    options.launcher,
    options.node,
  ]);
});
