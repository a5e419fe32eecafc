// SPDX-License-Identifier: Apache-2.0
/** Version and SHA-256 of every jar that comes from Maven Central. A change here makes the cache start anew. */
export const ANT_VERSION = '1.10.18';
export const PINNED_JARS: Readonly<Record<string, string>> = {
  'ant-1.10.18.jar': 'a12d775f581ad87592b1b1c7ff6fa5bcf6bb784974b94c848b0695ae15765f46',
  'ant-launcher-1.10.18.jar': 'b96e61ec45a9cbb2cf8d009c47ca544b451f419df105195a919205af7af47aa2',
  'asm-9.9.jar': '03d99a74ad1ee5c71334ef67437f4ef4fe3488caa7c96d8645abc73c8e2017d4',
  'asm-analysis-9.9.jar': '6a15d28e8bd29ba4fd5bca4baf9b50e8fba2d7b51fbf78cfa0c875a7214c678b',
  'asm-commons-9.9.jar': 'db2f6f26150bbe7c126606b4a1151836bcc22a1e05a423b3585698bece995ff8',
  'asm-tree-9.9.jar': '42178f3775c9c63f9e5e1446747d29b4eca4d91bd6e75e5c43cfa372a47d38c6',
};
/** Maven plugin that copies them, pinned so that its behaviour is. */
export const DEPENDENCY_PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1';
/** Our modules in build order; only these folders of `java/` are read. */
export const MODULES = ['cap', 'verifier', 'api', 'converter', 'linker', 'ant'] as const;
