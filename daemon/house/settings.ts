// The user's own settings, as `qwex config` shows and changes them.
import { join } from 'node:path';
import type { UserConfig } from '../../shared/config.ts';
import { formatDuration } from '../../shared/duration.ts';
import { userConfigFile } from '../../shared/paths.ts';
import type { ConfigResponse } from '../../shared/schemas/local.ts';
import { loadUserConfig, setUserConfig, USER_CONFIG_KEYS } from '../config/index.ts';

const HELP: Record<(typeof USER_CONFIG_KEYS)[number], string> = {
  slots: 'runs without devices that may go on at once',
  box: "the shared machine's folder",
  spaces: 'where worktrees go, for a home with a small quota (after a restart)',
  runs: 'where the runs’ folders go, for a home with a small quota (after a restart)',
  grace: 'time between TERM and KILL when a run is ended',
};

export class Settings {
  readonly #home: string;
  readonly #onChange: () => void;
  #current: UserConfig;

  private constructor(home: string, current: UserConfig, onChange: () => void) {
    this.#home = home;
    this.#current = current;
    this.#onChange = onChange;
  }

  /** Throws `invalid_config` with every problem of the file. */
  static async load(home: string, onChange: () => void): Promise<Settings> {
    return new Settings(home, await loadUserConfig(home), onChange);
  }

  get current(): UserConfig {
    return this.#current;
  }

  /** After the file was edited by hand. Keeps the last good settings when it throws. */
  async reload(): Promise<void> {
    this.#current = await loadUserConfig(this.#home);
    this.#onChange();
  }

  /** Throws `usage`; nothing is written then. */
  async set(key: string, value: string | null): Promise<void> {
    this.#current = await setUserConfig(this.#home, key, value);
    this.#onChange();
  }

  async list(): Promise<ConfigResponse> {
    const defaults = await loadUserConfig(join(this.#home, 'no-such-folder'));
    const settings = USER_CONFIG_KEYS.map((key) => {
      const value = shown(this.#current, key);
      return { key, value, isDefault: value === shown(defaults, key), help: HELP[key] };
    });
    return { path: userConfigFile(this.#home), settings };
  }
}

function shown(config: UserConfig, key: (typeof USER_CONFIG_KEYS)[number]): string | number | null {
  return key === 'grace' ? formatDuration(config.graceMs) : (config[key] ?? null);
}
