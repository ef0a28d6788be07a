// One line on a terminal's stderr that shows how far a download is; nothing elsewhere.
import type { Terminal } from './terminal.ts';
import { formatBytes } from './units.ts';

const REDRAW_MS = 100;

export class Progress {
  readonly #terminal: Terminal;
  readonly #totalBytes: number;
  #doneBytes = 0;
  #drawnAtMs = 0;

  constructor(terminal: Terminal, totalBytes: number) {
    this.#terminal = terminal;
    this.#totalBytes = totalBytes;
  }

  add(bytes: number): void {
    this.#doneBytes += bytes;
    const nowMs = performance.now();
    if (!this.#terminal.stderr.isTTY || nowMs - this.#drawnAtMs < REDRAW_MS) return;
    this.#drawnAtMs = nowMs;
    const percent = this.#totalBytes === 0 ? 100 : Math.floor((this.#doneBytes / this.#totalBytes) * 100);
    const sizes = `${formatBytes(this.#doneBytes)} of ${formatBytes(this.#totalBytes)}`;
    this.#terminal.stderr.write(`\r\u001b[K${percent} %  ${sizes}`);
  }

  clear(): void {
    if (this.#drawnAtMs > 0) this.#terminal.stderr.write('\r\u001b[K');
  }
}
