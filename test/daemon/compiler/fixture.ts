// A workspace in a temporary folder, compiled with the templates that ship and those of the test.
import { join } from 'node:path';
import { type Compiled, type CompileInput, compile, loadTemplates } from '../../../daemon/compiler/index.ts';
import { loadWorkspace } from '../../../daemon/config/index.ts';
import { type Folder, makeFolder } from '../config/folder.ts';

export const BUILT_IN = join(import.meta.dirname, '../../../templates');
export const COMMIT = '5f0c2d1be9a14c6f8d7e3b2a190f8e7d6c5b4a39';

export interface Fixture extends Folder {
  compile(command: readonly string[], job?: Partial<CompileInput['job']>): Promise<Compiled>;
}

/** `files` as paths in the workspace; the short name `x.sh.j2` is a template of the user. */
export async function makeFixture(files: Record<string, string> = {}): Promise<Fixture> {
  const placed = Object.entries(files).map(([path, text]) => [
    path.endsWith('.sh.j2') ? `.qwex/templates/${path}` : path,
    text,
  ]);
  const folder = await makeFolder(Object.fromEntries(placed));
  return {
    ...folder,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
    compile: async (command, job = {}) => {
      const workspace = await loadWorkspace(folder.path);
      const templates = await loadTemplates(folder.path, BUILT_IN);
      const resources = { gpus: 0, gpuType: null, timeMs: null };
      return compile({
        workspace,
        templates,
        job: { command, runner: 'base', resources, commit: COMMIT, ...job },
      });
    },
  };
}

/** Layers that do nothing but nest, each in another way. */
export const NESTING = {
  'wrap.sh.j2': 'bash -c {{ inner | quote }}\n',
  'posix.sh.j2': 'exec sh -c {{ inner | quote }}\n',
  'subshell.sh.j2': '(\n{{ inner }}\n)\n',
  'evaluated.sh.j2': 'eval {{ inner | quote }}\n',
  'words.sh.j2': 'exec env -- {{ command | words }}\n',
};

export const DEPTHS = `runners:
  depth0: { layers: [] }
  depth1: { layers: [nice] }
  depth2: { layers: [env, nice] }
  depth3: { layers: [wrap, env, nice] }
  depth4: { layers: [posix, wrap, env, nice] }
  other4: { layers: [evaluated, subshell, posix, words] }
layers:
  env:
    variables: { GREETING: "it's $HOME" }
`;
