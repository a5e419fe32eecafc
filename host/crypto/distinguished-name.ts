// SPDX-License-Identifier: Apache-2.0
import forge from 'node-forge';

// The declaration names another enumeration for this field; any number fits it.
const UTF8_STRING: number = forge.asn1.Type.UTF8;

/**
 * Fields of an X.509 name as UTF8String, in this order. forge's own choice is PrintableString, which has no
 * underscore and no letter beyond ASCII: strict readers refuse a certificate that puts one into it.
 *
 * @see RFC 5280 4.1.2.4
 */
export function distinguishedName(fields: Readonly<Record<string, string>>): forge.pki.CertificateField[] {
  return Object.entries(fields).map(([name, value]) => ({ name, value, valueTagClass: UTF8_STRING }));
}
