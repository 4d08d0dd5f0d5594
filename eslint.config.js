import neostandard from 'neostandard'
import tseslint from 'typescript-eslint'

export default [
  { ignores: ['**/dist/', '.tap/', '.data/'] },
  ...neostandard({ ts: true }),
  {
    files: ['**/*.ts'],
    plugins: { '@typescript-eslint': tseslint.plugin },
    languageOptions: { parser: tseslint.parser, parserOptions: { projectService: true } },
    rules: {
      // A schema and its type share one name.
      '@typescript-eslint/no-redeclare': 'off',
      'no-void': 'off',
      // A promise that nobody waits for fails where nobody sees it.
      '@typescript-eslint/no-floating-promises': ['error', {
        // tap itself waits for its subtests.
        allowForKnownSafeCalls: [{ from: 'package', package: '@tapjs/test', name: 'test' }, { from: 'package', package: '@tapjs/core', name: 'test' }]
      }],
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/no-unnecessary-type-assertion': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@stylistic/max-len': ['error', { code: 130, ignoreStrings: true, ignoreTemplateLiterals: true, ignoreRegExpLiterals: true }]
    }
  },
  {
    files: ['test/**/*.test.ts'],
    rules: {
      'no-restricted-syntax': ['error', {
        selector: "Program > ExpressionStatement > CallExpression[callee.object.name='t'][callee.property.name='teardown']",
        message: 'teardown(t, …) of test/support/teardown.ts: t.teardown of a file waits for the last file of the suite.'
      }]
    }
  }
]
