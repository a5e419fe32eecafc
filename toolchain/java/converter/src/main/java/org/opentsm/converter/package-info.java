// SPDX-License-Identifier: Apache-2.0
/**
 * Class files to CAP and export files. {@link org.opentsm.converter.Converter} is the way in; the README beside the
 * sources gives the reading order.
 */
package org.opentsm.converter;
