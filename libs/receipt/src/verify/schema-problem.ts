type Judged = { readonly errors?: readonly { readonly instancePath: string; readonly message?: string | undefined }[] | null };

/** Why a compiled schema just answered false: place and reason of the first problem. */
export function schemaProblem({ errors }: Judged): string {
  const first = errors?.[0];
  return `${first?.instancePath} ${first?.message}`;
}
