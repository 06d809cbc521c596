/** The file to start the double from as a process of its own; its options stand at its top. From source it needs `--conditions=source`. */
export const DOUBLE_PROGRAM: URL = new URL(`./main.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);
