// SPDX-License-Identifier: Apache-2.0
package org.opentsm.linker;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Classes that nobody makes have constructors that only those of their subclasses call. */
class ConstructorsTest {

    private static final String[] SOURCES = {
        """
        package p; public class Program {
          public static short bare(short a) { return new Leaf().of(a); }
          public static short given(short a) { return new Tip(a).of(a); }
        }""",
        """
        package p; public abstract class Base {
          short size = 3;
          Base() { this((short) 4); begin(); }
          Base(short more) { size += more; }
          abstract void begin();
          short of(short a) { return (short) (a + size); }
        }""",
        """
        package p; public abstract class Middle extends Base {
          short own = 50;
          void begin() { size++; }
        }""",
        """
        package p; public final class Leaf extends Middle {
          Leaf() { own--; }
          void begin() { super.begin(); size += 20; }
          short of(short a) { return (short) (super.of(a) + own); }
        }""",
        """
        package p; public abstract class Root {
          short v;
          Root(short a) { v = a; }
          short of(short a) { return (short) (a * v); }
        }""",
        """
        package p; public abstract class Stem extends Root {
          Stem(short a) { super((short) (a + 1)); v++; }
        }""",
        """
        package p; public final class Tip extends Stem {
          Tip(short a) { super((short) (a + 2)); v += 3; }
        }"""
    };

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void areOfTheClassThatTheyMake(boolean withDescriptor) {
        Workshop shop = new Workshop(withDescriptor);
        shop.add("p", "F000000001", false, Map.of(), SOURCES);
        assertTrue(shop.compare("p.Program", 1, 20) >= 20);
    }

    private static final String SHORTS =
            """
        package p; public class Shorts {
          private final short v;
          private Shorts(byte a, byte b) { v = 1; }
          private Shorts(byte a, short b) { v = 2; }
          private Shorts(short a, byte b) { v = 3; }
          private Shorts(short a, short b) { v = 4; }
          private Shorts(boolean a, byte b) { v = 5; }
          private Shorts(boolean a, short b) { v = 6; }
          private Shorts(boolean a, boolean b) { v = 7; }
          private Shorts(byte a, boolean b) { v = 8; }
          private Shorts(short a, boolean b) { v = (short) (9 + a); }
          public static short all(short s, byte b, boolean z) {
            return (short) (new Shorts(b, b).v + 2 * new Shorts(b, s).v + 4 * new Shorts(s, b).v
                + 8 * new Shorts(s, s).v + 16 * new Shorts(z, b).v
                + 32 * new Shorts(z, s).v + 64 * new Shorts(z, z).v + 128 * new Shorts(b, z).v
                    + 256 * new Shorts(s, z).v); }
        }""";

    private static final String REFERENCES =
            """
        package p; import javacard.framework.*; public class References {
          private final short v;
          private References(References a) { v = a == null ? 1 : a.v; }
          private References(byte[] a) { v = a[0]; }
          private References(short[] a) { v = a[0]; }
          private References(boolean[] a) { v = (short) (a[0] ? 2 : 3); }
          private References(Object a) { v = (short) (a == null ? 4 : 5); }
          private References(Object[] a) { v = (short) a.length; }
          private References(AID a) { v = 6; }
          private References(OwnerPIN a) { v = 7; }
          private References(PIN a) { v = 8; }
          private References(Shareable a) { v = 9; }
          private References(APDU a) { v = 10; }
          private References(UserException a) { v = 11; }
          public static short all(byte[] b) {
            return (short) (new References((References) null).v + 2 * new References(b).v
                + 3 * new References(new short[] {7}).v
                + 5 * new References(new boolean[] {true}).v + 7 * new References((Object) b).v
                    + 11 * new References(new Object[3]).v
                + 13 * new References((AID) null).v + 17 * new References((OwnerPIN) null).v
                    + 19 * new References((PIN) null).v
                + 23 * new References((Shareable) null).v + 29 * new References((APDU) null).v
                    + 31 * new References((UserException) null).v); }
        }""";

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void areToldApartByMoreThanTheirKinds(boolean withDescriptor) {
        Workshop shop = new Workshop(withDescriptor);
        shop.add("p", "F000000001", false, Map.of(), SHORTS, REFERENCES);
        assertTrue(shop.compare("p.Shorts", 1, 20) >= 20);
        assertTrue(shop.compare("p.References", 1, 20) >= 20);
    }
}
