// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;
import javacard.framework.Applet;
import javacard.framework.JCSystem;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What one instance takes of the card's RAM (applet/README.md section 8). */
class MemoryTest {

    private static final int MOST = 1536;

    /** Bytes of all transient arrays that the object and our objects below it hold. */
    private static int transientBytes(Object object, Set<Object> seen) throws IllegalAccessException {
        if (object == null || !seen.add(object)) {
            return 0;
        }
        int bytes = 0;
        if (object.getClass().isArray()) {
            if (object instanceof byte[] && JCSystem.isTransient(object) != JCSystem.NOT_A_TRANSIENT_OBJECT) {
                return ((byte[]) object).length;
            }
            for (int i = 0; object instanceof Object[] && i < Array.getLength(object); i++) {
                bytes += transientBytes(Array.get(object, i), seen);
            }
            return bytes;
        }
        for (Class<?> type = object.getClass();
                type.getName().startsWith("org.opentsm.securitydomain.");
                type = type.getSuperclass()) {
            for (Field field : type.getDeclaredFields()) {
                if (!Modifier.isStatic(field.getModifiers()) && !field.getType().isPrimitive()) {
                    field.setAccessible(true);
                    bytes += transientBytes(field.get(object), seen);
                }
            }
        }
        return bytes;
    }

    @ParameterizedTest
    @ValueSource(
            classes = {
                IssuerSecurityDomain.class,
                SupplementarySecurityDomain.class,
                ControllingAuthoritySecurityDomain.class
            })
    void eachDomainKeepsTo(Class<? extends Applet> type) throws Exception {
        PlainCard card = new PlainCard();
        card.install("F0000000000009", type, "808000", "");
        Applet domain = DomainHook.applet(card, "F0000000000009");
        int bytes = transientBytes(domain, Collections.newSetFromMap(new IdentityHashMap<>()));
        System.out.println(type.getSimpleName() + ": " + bytes + " of " + MOST + " bytes of RAM");
        assertTrue(bytes > 1024 && bytes <= MOST, bytes + " bytes of RAM");
    }
}
