// What a submitter should know: files that the run won't see, and what they probably meant.
import { lstat, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { LocalSubmit, Notice } from '../../shared/schemas/local.ts';
import type { LoadedWorkspace } from '../config/index.ts';
import {
  ignoredTopLevel,
  lfsPointers,
  lfsWarning,
  missingFromCommit,
  type Workspace,
} from '../spaces/index.ts';
import type { Store } from '../store/store.ts';
import type { ChosenCommit } from './choose-commit.ts';
import { linkedPaths } from './inside-paths.ts';

/** Value of the setting once the list was shown; before that, when the folder was last looked at. */
const TOLD = 'yes';

interface Asked {
  git: Workspace;
  workspace: LoadedWorkspace;
  chosen: ChosenCommit;
  request: LocalSubmit;
  store: Store;
}

export async function noticesFor(asked: Asked): Promise<Notice[]> {
  const found = await Promise.all([
    missingPaths(asked),
    missingLinks(asked),
    ignoredEntries(asked),
    pointers(asked),
  ]);
  return [...found.flat(), ...submoduleHint(asked)];
}

/** Words of the command that name something here which the commit doesn't have. */
async function missingPaths({ git, workspace, chosen, request }: Asked): Promise<Notice[]> {
  const words = [...new Set(request.commands.flat())];
  const missing = await missingFromCommit({ root: git.root, sha: chosen.sha, subdir: git.subdir, words });
  const links = linkedPaths(workspace.config.source.links, request.links, git.subdir);
  return missing
    .filter(({ path }) => !links.some((link) => path === link || path.startsWith(`${link}/`)))
    .map(({ path, ignored, link }) => ({
      level: 'warning',
      message: `${path} exists here but is not in the commit (${ignored ? 'ignored by git' : 'untracked'}), so the run won't find it; to link it in: qwex run --link ${posix.relative(git.subdir, link)} …`,
    }));
}

/**
 * Ignored folders at the top, listed once for each workspace: data/ and .venv/ are what people miss. While there are
 * none, git is asked again only when something was added to or taken from the folder.
 */
async function ignoredEntries({ git, workspace, request, store }: Asked): Promise<Notice[]> {
  const key = `ignored-told:${git.root}`;
  const seen = store.setting(key);
  const state = String((await stat(git.root)).mtimeMs);
  if (seen === TOLD || seen === state) return [];
  const links = new Set(linkedPaths(workspace.config.source.links, request.links, git.subdir));
  const entries = (await ignoredTopLevel(git.root)).filter((entry) => !links.has(entry));
  if (!request.dryRun) store.putSetting(key, entries.length === 0 ? state : TOLD);
  if (entries.length === 0) return [];
  const shown = entries.slice(0, 8).join(', ');
  const more = entries.length > 8 ? ` and ${entries.length - 8} more` : '';
  return [
    {
      level: 'hint',
      message: `ignored by git, so not in any run: ${shown}${more}; what runs need can be linked with --link, or links: under source: in .qwex/config.yaml (told once)`,
    },
  ];
}

async function missingLinks({ git, workspace, request }: Asked): Promise<Notice[]> {
  const links = linkedPaths(workspace.config.source.links, request.links, git.subdir);
  const found = await Promise.all(
    links.map(async (link) => ({ link, isThere: await exists(join(git.root, link)) })),
  );
  return found
    .filter(({ isThere }) => !isThere)
    .map(({ link }) => ({
      level: 'warning',
      message: `${link} does not exist, so there is nothing to link`,
    }));
}

function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

async function pointers({ git }: Asked): Promise<Notice[]> {
  const warning = lfsWarning(await lfsPointers({ root: git.root, commonDir: git.commonDir }));
  return warning === null ? [] : [{ level: 'warning', message: warning }];
}

function submoduleHint({ git, workspace }: Asked): Notice[] {
  if (!git.submodules || workspace.config.source.submodules) return [];
  return [
    {
      level: 'warning',
      message:
        'this repository has submodules, and they will be empty in the run; to check them out: submodules: true under source: in .qwex/config.yaml',
    },
  ];
}
