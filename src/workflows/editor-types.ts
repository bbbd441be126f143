import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Product } from '../config/product.ts'

/** Tells editors where the lab of this machine is; not for version control. */
const OWN_FILE = 'tsconfig.lab.json'

/**
 * Makes `import ... from 'lab'` resolve in editors: a `tsconfig.json` that extends `./tsconfig.lab.json` is wished by
 * whoever wrote it, and that file says where lab is installed. Writes it only when it is missing or out of date.
 */
export async function refreshEditorTypes(directory: string, product: Pick<Product, 'directory'>): Promise<void> {
  const wish = await readFile(join(directory, 'tsconfig.json'), 'utf8').catch(() => '')
  if (!wish.includes(`./${OWN_FILE}`)) return
  const file = join(directory, OWN_FILE)
  const text = `${JSON.stringify(editorOptions(product), null, 2)}\n`
  if ((await readFile(file, 'utf8').catch(() => '')) === text) return
  const draft = `${file}.${String(process.pid)}`
  await writeFile(draft, text)
  await rename(draft, file)
}

function editorOptions({ directory }: Pick<Product, 'directory'>): object {
  const source = (path: string) => [join(directory, 'src', path)]
  return {
    compilerOptions: {
      module: 'esnext',
      moduleResolution: 'bundler',
      target: 'es2023',
      lib: ['es2023'],
      types: ['node'],
      typeRoots: [join(directory, 'node_modules/@types')],
      paths: {
        lab: source('index.ts'),
        'lab/local': source('local.ts'),
        'lab/steps/*': source('steps/*.ts'),
      },
      allowImportingTsExtensions: true,
      resolveJsonModule: true,
      noEmit: true,
      strict: true,
      skipLibCheck: true,
    },
  }
}
