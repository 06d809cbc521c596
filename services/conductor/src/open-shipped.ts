import { readFileSync } from 'node:fs';
import { openOpaPolicyEngine } from '@maestro/adapter-opa';
import { openTaskPackages } from '@maestro/adapter-workerpool';
import type { TaskPackagesOptions } from '@maestro/adapter-workerpool';
import type { Json, JsonObject } from '@maestro/domain';
import type { TaskPackages } from '@maestro/ports';
import { priceBookOf } from '@maestro/runtime';
import type { PriceBook } from '@maestro/runtime';
import { shippedFiles } from './build-info.ts';
import type { Config } from './config.ts';

// What comes with the program, whatever engines it runs on.

/** 64 KiB each: what any inputs of 1 MiB need once policy has parsed them; an instance that grew is not kept. */
const POLICY_PAGES_MAX = 2_048;

export function openShippedPolicies(): ReturnType<typeof openOpaPolicyEngine> {
  return openOpaPolicyEngine({ bundlesDir: shippedFiles.policyBundles, memoryPagesMax: POLICY_PAGES_MAX });
}

/** `ownOrigin`: where the conductor's API is reached, as soon as that is known. Starts no process before a task needs one. */
export function openShippedPackages(config: Config, ownOrigin: () => string | null, modules: TaskPackagesOptions['modules']): TaskPackages {
  return openTaskPackages({ modules, settings: packageSettings(config, ownOrigin), childrenMax: config.childrenMax });
}

export function shippedPrices(): PriceBook {
  return priceBookOf(JSON.parse(readFileSync(shippedFiles.prices, 'utf8')) as Json);
}

/** What packages are told. The conductor's own schemas may be fetched, nothing else of it; its address is known only later. */
function packageSettings(config: Config, ownOrigin: () => string | null): JsonObject {
  const allowed = config.allowOrigins.map((origin) => ({ origin }));
  return {
    workspaceDir: config.workspaceDir,
    get http(): JsonObject {
      const own = ownOrigin();
      return { allowOrigins: own === null ? allowed : [...allowed, { origin: own, pathPrefix: '/schemas/', methods: ['GET'] }] };
    },
  };
}
