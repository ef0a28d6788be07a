import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, jobIdOf, type Recipe, sha256 } from '../../shared/recipe.ts';

const RECIPE: Recipe = {
  workspace: 'project',
  commit: '0123456789abcdef0123456789abcdef01234567',
  subdir: 'sub/dir',
  command: ['python', 'train.py', '--name', "it's ü\n"],
  envNames: ['SEED'],
  runner: 'base',
  resources: { gpus: 1, gpuType: null, timeMs: 3_600_000 },
  scriptSha256: 'f'.repeat(64),
  resumable: false,
  links: ['data'],
  submodules: false,
  artifacts: { watch: ['out'], ignore: ['*.tmp'], maxFileBytes: 1_048_576_000 },
};

describe('a job id', () => {
  it('never changes: jobs of other days and other machines are found by it', () => {
    expect(jobIdOf(RECIPE)).toBe('52e210355621ffef3e7e2caab2905053fca83942485782ace92d9cc03e8ffabe');
  });

  it('does not depend on the order in which fields were set', () => {
    const turned = Object.fromEntries(Object.entries(RECIPE).reverse()) as unknown as Recipe;
    turned.resources = { timeMs: 3_600_000, gpuType: null, gpus: 1 };
    expect(jobIdOf(turned)).toBe(jobIdOf(RECIPE));
  });

  it('depends on everything that decides what is executed', () => {
    const others: Partial<Recipe>[] = [
      { commit: 'a'.repeat(40) },
      { command: ['python', 'train.py', '--name it'] },
      { subdir: '' },
      { envNames: [] },
      { links: [] },
      { scriptSha256: 'e'.repeat(64) },
      { resources: { gpus: 2, gpuType: null, timeMs: 3_600_000 } },
    ];
    const ids = others.map((other) => jobIdOf({ ...RECIPE, ...other }));
    expect(new Set([jobIdOf(RECIPE), ...ids]).size).toBe(others.length + 1);
  });
});

describe('canonical JSON', () => {
  it('is JSON of the same value, with keys in order at every level', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(JSON.parse(text))).toBe(text);
      }),
    );
    expect(canonicalJson({ b: [{ d: 1, c: null }], a: 'x' })).toBe('{"a":"x","b":[{"c":null,"d":1}]}');
  });
});

it('sha256 is of the UTF-8 of a text', () => {
  expect(sha256('ü')).toBe(sha256(Buffer.from([0xc3, 0xbc])));
});
