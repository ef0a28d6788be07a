// Which boot of the machine this is. The one place that reads it: pids and start times mean nothing in another boot.

import { readFile } from 'node:fs/promises';

/** The kernel's boot id, a UUID that changes with every boot. A test may pretend that the machine was restarted. */
export async function currentBootId(): Promise<string> {
  return process.env.QWEX_TEST_BOOT_ID || kernelBootId();
}

/** For those who ask the kernel themselves, as a supervisor does. */
export async function kernelBootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
}
