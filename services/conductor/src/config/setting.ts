/** One thing that can be set; what it may be, what it is where nobody says, and what it means. */
export type Setting = {
  readonly meaning: string;
  /** not in a file: it belongs to one start, or leads to the file */
  readonly isFlagOnly?: true;
} & (
  | { readonly kind: 'integer'; readonly unit: string; readonly min: number; readonly max: number; readonly byDefault: number }
  /** relative to where the user stands; in a file: to the file's folder */
  | { readonly kind: 'folder'; readonly byDefault: string }
  /** null: not stated */
  | { readonly kind: 'word'; readonly byDefault: string | null }
  | { readonly kind: 'choice'; readonly choices: readonly string[]; readonly byDefault: string }
  | { readonly kind: 'switch'; readonly byDefault: false }
  | { readonly kind: 'origins' | 'hosts' | 'servers' | 'words'; readonly byDefault: readonly [] }
  | { readonly kind: 'names'; readonly choices: readonly string[]; readonly byDefault: readonly [] }
  /** null: not stated */
  | { readonly kind: 'origin' | 'file'; readonly byDefault: null }
  /** path of the file that holds it; its name ends in `File` */
  | { readonly kind: 'secret'; readonly byDefault?: null }
);
