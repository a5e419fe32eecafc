// SPDX-License-Identifier: Apache-2.0
package org.globalplatform.upgrade;

/** The interface as the API declares it; GlobalPlatform Card Specification 2.3.1 annex A. */
public interface MappedElement extends Element {
    Object getMappedObject();

    Element setMappedObject(Object object);
}
