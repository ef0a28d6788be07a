// What a benchmark is: a file that exports one of these.
import type { Figure } from './figure.ts';

export interface Bench {
  name: string;
  /** One line for the list of benchmarks. */
  about: string;
  /** Only when asked for by name. */
  isLong?: boolean;
  run(options: BenchOptions): AsyncIterable<Figure>;
}

export interface BenchOptions {
  /** Small sizes: shows that everything works, not how fast. */
  quick: boolean;
  /** Of the big artifact. */
  artifactBytes: number;
  /** Something worth knowing that is no figure. */
  note: (text: string) => void;
}
