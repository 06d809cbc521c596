import * as core from '@maestro/package-core';
import * as file from '@maestro/package-file';
import * as http from '@maestro/package-http';
import * as json from '@maestro/package-json';

/** Task packages that every conductor offers. */
export const SHIPPED_PACKAGES = [core, file, http, json] as const;
