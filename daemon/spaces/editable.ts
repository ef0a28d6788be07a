// Editable installs of the workspace (`pip install -e .`) put its live tree on Python's path, and a run would import
// what is there now rather than its commit. They are found, and answered with folders of the space for PYTHONPATH,
// which Python searches before any .pth file and before the finders that setuptools appends to sys.meta_path.

import { delimiter, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { readdir, readFile, realpath, stat } from '../../shared/at-once.ts';
import { finderMappings } from './finders.ts';
import { type PythonRequest, sitePackages } from './python-environment.ts';

export interface EditableRequest extends PythonRequest {
  space: string;
}

export interface Redirects {
  /** Folders of the space, to be put before what the submitter's PYTHONPATH has. */
  pythonPath: string[];
  /** Sentences for the run's record: what was redirected, and what could not be. */
  notes: string[];
}

interface Finding {
  /** The .pth file or finder that says so, or PYTHONPATH. */
  source: string;
  /** A folder to be searched for modules, absolute. */
  folder: string;
}

interface Found {
  findings: Finding[];
  /** Sources that a PYTHONPATH can't overrule. */
  stubborn: string[];
}

/** What would import the live tree of `root`, and what to put on PYTHONPATH instead. A few ms, no process. */
export async function editableRedirects({ space, ...python }: EditableRequest): Promise<Redirects> {
  const realRoot = await realpath(python.root);
  const folders = await sitePackages(python);
  const found = await Promise.all(folders.map((folder) => readSite(folder, realRoot)));
  const findings = [
    ...onPythonPath(python.environment.PYTHONPATH),
    ...found.flatMap((site) => site.findings),
  ];
  const redirects: Redirects = { pythonPath: [], notes: [] };
  for (const finding of findings) await redirect(finding, { realRoot, space, redirects });
  for (const source of new Set(found.flatMap((site) => site.stubborn))) {
    redirects.notes.push(
      `${source} imports the workspace's live files, and cannot be redirected to the run's commit.`,
    );
  }
  return redirects;
}

async function redirect(finding: Finding, of: { realRoot: string; space: string; redirects: Redirects }) {
  const { realRoot, space, redirects } = of;
  const folder = await realpath(finding.folder).catch(() => finding.folder);
  if (!isWithin(realRoot, folder)) return;
  const target = join(space, relative(realRoot, folder));
  if (redirects.pythonPath.includes(target)) return;
  if ((await stat(target).catch(() => null))?.isDirectory()) {
    redirects.pythonPath.push(target);
    redirects.notes.push(`${finding.source} points to ${finding.folder}: redirected to the run's commit.`);
  } else {
    redirects.notes.push(
      `${finding.source} points to ${finding.folder}, which the run's commit does not have.`,
    );
  }
}

// Relative entries need nothing: they are relative to the run's working directory, which is in the space.
function onPythonPath(value: string | undefined): Finding[] {
  const folders = (value ?? '').split(delimiter).filter(isAbsolute);
  return folders.map((folder) => ({ source: 'PYTHONPATH', folder }));
}

async function readSite(site: string, root: string): Promise<Found> {
  const names = (await readdir(site).catch(() => [])).filter((name) => name.endsWith('.pth'));
  const found = await Promise.all(names.map((name) => readPth({ site, name, root })));
  return { findings: found.flatMap((one) => one.findings), stubborn: found.flatMap((one) => one.stubborn) };
}

async function readPth({ site, name, root }: { site: string; name: string; root: string }): Promise<Found> {
  const source = join(site, name);
  const found: Found = { findings: [], stubborn: [] };
  const text = await readFile(source, 'utf8').catch(() => '');
  for (const line of text.split(/\r?\n/).map((raw) => raw.trim())) {
    if (line === '' || line.startsWith('#')) continue;
    const module = /^import[ \t]+([\w.]+)/.exec(line)?.[1];
    if (module !== undefined) await readImported({ site, module, root, found });
    else if (!/^import[ \t]/.test(line))
      addFolder(found, { source, folder: resolve(site, line), site, root });
  }
  return found;
}

// An environment inside the workspace (.venv) has packages of its own there: those aren't the workspace.
function addFolder(found: Found, of: Finding & { site: string; root: string }): void {
  const prefix = resolve(of.site, '../../..');
  const itsOwn = prefix !== of.root && isWithin(of.root, prefix) && isWithin(prefix, of.folder);
  if (!itsOwn) found.findings.push({ source: of.source, folder: of.folder });
}

function isWithin(folder: string, path: string): boolean {
  const inside = relative(folder, path);
  return inside !== '..' && !inside.startsWith(`..${sep}`) && !isAbsolute(inside);
}

async function readImported(of: { site: string; module: string; root: string; found: Found }): Promise<void> {
  const { site, module, root, found } = of;
  if (!/^_\w+$/.test(module)) return;
  const source = join(site, `${module}.py`);
  const text = await readFile(source, 'utf8').catch(() => '');
  if (module.startsWith('__editable__')) {
    const { folders, renamed } = finderMappings(text);
    for (const folder of folders) addFolder(found, { source, folder, site, root });
    if (renamed.some((path) => isWithin(root, path))) found.stubborn.push(source);
  } else if (/editable/.test(module) && text.includes(root)) {
    found.stubborn.push(source); // scikit-build-core and meson-python insert themselves before everything
  }
}
