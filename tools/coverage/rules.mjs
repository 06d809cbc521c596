// What the coverage gate asks for, and which files it leaves out.

/** Packages whose every branch is covered by their own specs alone. */
export const fullBranches = ['libs/domain', 'libs/receipt', 'libs/codec'];

/**
 * Harnesses: they run as programs, against processes of their own, so no coverage reaches them. That they find something is
 * shown by planted faults. Their figures are printed and not counted.
 */
export const harnesses = ['tools/chaos'];

/** Share of lines, in percent, that all other packages reach together. */
export const linesMin = 90;

/**
 * Files that run where coverage does not reach (worker threads, child processes, the program's entry): at most
 * `exemptLinesMax` lines, no logic. Anything longer is a finding.
 */
export const exempt = [/\/main\.ts$/, /[-.]worker\.ts$/, /-entry\.ts$/, /-thread\.ts$/, /-child\.ts$/];
export const exemptLinesMax = 20;
