// Writes what is generated into docs/: the state diagram from shared/run-state.ts, and the protocol's OpenAPI document
// from what a daemon serves. The tests fail when either differs.
//   node .ci/generate.mjs
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { Daemon } from '../daemon/daemon.ts';
import { OPENAPI_PATH } from '../shared/api.ts';
import { unixRequest } from '../shared/client/unix-request.ts';
import { stateDiagram } from '../shared/run-state.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

async function writeDiagram() {
  const file = join(root, 'docs/architecture.md');
  const text = await readFile(file, 'utf8');
  const between = /(<!-- state-diagram -->\n)[\s\S]*?(<!-- \/state-diagram -->)/;
  if (!between.test(text)) throw new Error(`${file} has no place for the state diagram`);
  const diagram = `\`\`\`mermaid\n${stateDiagram()}\n\`\`\`\n`;
  await writeFile(
    file,
    text.replace(between, (_, begin, end) => `${begin}${diagram}${end}`),
  );
}

async function writeOpenApi() {
  const home = await mkdtemp(join(tmpdir(), 'qwex-generate-'));
  const daemon = await Daemon.start({ home, root, startDaemonCommand: ['/bin/true'], onStopRequest() {} });
  try {
    const request = { socketPath: daemon.paths.socket, method: 'get', path: OPENAPI_PATH, headers: {} };
    const { body } = await unixRequest(request);
    const yaml = stringify(JSON.parse(body.toString('utf8')), {
      aliasDuplicateObjects: false,
      lineWidth: 110,
    });
    const note = '# Generated from the schemas in shared/ by .ci/generate.mjs; not to be edited.\n';
    await writeFile(join(root, 'docs/protocol/openapi.yaml'), note + yaml);
  } finally {
    await daemon.stop(false);
    await rm(home, { recursive: true, force: true });
  }
}

await writeDiagram();
await writeOpenApi();
