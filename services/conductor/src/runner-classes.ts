/** Runner classes of this process; a cluster gives each class runners of its own. */
export const CLASSES = ['small', 'medium', 'large'];
