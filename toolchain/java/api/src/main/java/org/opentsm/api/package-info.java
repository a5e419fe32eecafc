// SPDX-License-Identifier: Apache-2.0
/**
 * The card API as this toolchain knows it. {@link org.opentsm.api.Declarations} reads the declaration files,
 * {@link org.opentsm.api.ApiLevel} chooses versions, {@link org.opentsm.api.ApiIndex} answers lookups by name,
 * {@link org.opentsm.api.ExportFiles} makes export files and {@link org.opentsm.api.StubJar} the jar to compile
 * against.
 */
package org.opentsm.api;
