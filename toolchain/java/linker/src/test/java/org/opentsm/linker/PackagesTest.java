// SPDX-License-Identifier: Apache-2.0
package org.opentsm.linker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.opentsm.cap.CapFile;

/** Packages that import each other: linked together, they must do what the compiler's class files do. */
class PackagesTest {
    private static final String LIBRARY_AID = "F000000002";
    private static final String USER_AID = "F000000003";
    private static final String[] LIBRARY = {
        "package lib; public abstract class Base { protected short count; public byte[] data = new byte[3]; short hidden; public static short total; public static final short MAX = 300;"
                + " protected Base(short c) { count = c; } public abstract short area(); public short twice() { return (short) (2 * area() + packageOnly()); } short packageOnly() { return 7; }"
                + " protected short order(Base other) { return (short) (count - other.count); } public static short helper(short a, byte b) { total += a; return (short) (a * b + total); } }",
        "package lib; public class Middle extends Base { public Middle(short c) { super(c); } public short area() { return (short) (count + own()); } short packageOnly() { return 8; } private short own() { return 1; } }",
        "package lib; public interface Top extends javacard.framework.Shareable { short top(); }",
        "package lib; public interface Left extends Top { short left(short a); }",
        "package lib; public interface Right extends Top { short right(); short top(); }",
        "package lib; public class Server implements Left { public short top() { return 40; } public short left(short a) { return (short) (a + top()); } }",
        "package lib; public class Failure extends javacard.framework.CardRuntimeException { public Failure(short r) { super(r); } public static void throwIt(short r) { throw new Failure(r); } }",
        "package lib; public class Caller { public static short call(Left l, short a) { Top t = l; return (short) (l.left(a) + t.top()); } public static short turn(Right r) { return (short) (r.right() + r.top()); } public static short measure(Base b) { return (short) (b.twice() + b.area()); } }"
    };
    private static final String[] USER = {
        """
        package use; import lib.*; public class Program {
          public static short inherit(short a) { Base b = a > 0 ? (Base) new Sub(a) : new Middle(a); return (short) (Caller.measure(b) + b.data.length); }
          public static short ownPackageMethod(short a) { return new Sub(a).both(); }
          public static short statics(short a, byte b) { Base.total ^= a; return (short) (Base.helper(a, b) + Base.total + Base.MAX); }
          public static short diamond(short a) { Both q = new Diamond(); Left l = q; Right r = q; Top t = r; return (short) (Caller.call(q, a) + l.left(a) * 3 + r.right() * 5 + t.top() * 7 + q.both() * 11 + r.top()); }
          public static short overridden(short a) { return Caller.call(new Proxy(), a); }
          public static short failure(short a) { try { if (a > 0) Failure.throwIt(a); return 1; } catch (Failure e) { return (short) (e.getReason() + 3); } }
          public static void uncaught(short a) { throw new Failure(a); }
          public static short casts(short a) { Object o = a > 0 ? (Object) new Diamond() : new Server(); return (short) ((o instanceof Top ? 1 : 0) + (o instanceof Right ? 2 : 0) + (o instanceof Both ? 4 : 0) + (((Left) o).left(a))); }
        }""",
        "package use; public interface Both extends lib.Left, lib.Right { short both(); }",
        "package use; public class Sub extends lib.Middle { public Sub(short c) { super(c); } public short area() { return (short) (super.area() * 2); } short packageOnly() { return 100; } short both() { return (short) (packageOnly() + twice() + order(new lib.Middle((short) 4))); } }",
        "package use; public class Diamond implements Both { public short top() { return 1; } public short left(short a) { return a; } public short right() { return 2; } public short both() { return (short) (right() + top()); } }",
        "package use; public class Proxy extends lib.Server { public short top() { return 90; } }"
    };

    @Test
    void inheritanceStaticsExceptionsAndDiamondsAcrossPackages() {
        for (boolean withDescriptor : new boolean[] {true, false}) {
            Workshop shop = new Workshop(withDescriptor);
            shop.add("lib", LIBRARY_AID, false, Map.of(), LIBRARY);
            shop.add("use", USER_AID, false, Map.of(), USER);
            assertTrue(shop.compare("use.Program", 3, 40) >= 8 * 40);
        }
    }

    @Test
    void theImportedPackageMustBeLinkedFirstAndBeNewEnough() {
        Workshop shop = new Workshop();
        shop.add("lib", LIBRARY_AID, false, Map.of(), LIBRARY);
        CapFile user =
                shop.convert("use", USER_AID, false, Map.of(), USER).cap().orElseThrow();
        LinkException missing =
                assertThrows(LinkException.class, () -> new Workshop().linker().link(user));
        assertEquals(LinkException.Code.IMPORT, missing.code());
        assertTrue(missing.getMessage().contains(LIBRARY_AID + " 1.0"), missing.getMessage());
        byte[] later = user.loadFileDataBlock(true);
        int at = Bytes.find(later, "0001" + "05" + LIBRARY_AID);
        later[at] = 3;
        LinkException old =
                assertThrows(LinkException.class, () -> shop.linker().link(CapFile.readLoadFile(later)));
        assertTrue(
                old.getMessage().contains("1.3") && old.getMessage().contains("version 1.0 is linked"),
                old.getMessage());
        later[at] = 0;
        later[at + 1] = 2;
        assertEquals(
                LinkException.Code.IMPORT,
                assertThrows(LinkException.class, () -> shop.linker().link(CapFile.readLoadFile(later)))
                        .code());
        shop.linker().link(user);
        assertEquals(
                LinkException.Code.LOADED_TWICE,
                assertThrows(LinkException.class, () -> shop.linker().link(user))
                        .code());
    }

    @Test
    void anInterfaceOfThePlatformTakesThePlaceOfTheExportedOne() throws ReflectiveOperationException {
        String[] sources = {
            "package p; public interface Service extends javacard.framework.Shareable { short twice(short a); byte[] bytes(); }",
            "package p; public class Program { public static short ask(Service s, short a) { return (short) (s.twice(a) + s.bytes().length); } public static Service make() { return new Own(); } }",
            "package p; public class Own implements Service { public short twice(short a) { return (short) (2 * a); } public byte[] bytes() { return new byte[4]; } }"
        };
        CapFile cap = new Workshop()
                .convert("p", USER_AID, false, Map.of(), sources)
                .cap()
                .orElseThrow();
        PlatformInterface service = new PlatformInterface(
                org.opentsm.cap.Aid.ofHex(USER_AID),
                Service.class.getName().replace('.', '/'),
                java.util.List.of(
                        new PlatformInterface.Method("twice", "(S)S"), new PlatformInterface.Method("bytes", "()[B")));
        PlatformInterface later = new PlatformInterface(
                service.packageAid(), service.internalName(), service.methods().subList(0, 1));
        LinkException refused = assertThrows(
                LinkException.class, () -> new Linker(getClass().getClassLoader(), java.util.List.of(later)).link(cap));
        assertTrue(refused.getMessage().contains("different versions"), refused.getMessage());
        LinkedPackage untyped =
                new Linker(getClass().getClassLoader(), java.util.List.of(service)).link(cap.withoutDescriptor());
        assertEquals(2, untyped.classes().size());
        LinkedPackage made = new Linker(getClass().getClassLoader(), java.util.List.of(service)).link(cap);
        assertEquals(2, made.classes().size());
        ClassLoader loader = Bytes.loader(made.classes());
        String program = made.exports().classes().stream()
                .filter(item ->
                        item.methods().stream().anyMatch(m -> m.descriptor().endsWith("Service;S)S")))
                .findFirst()
                .orElseThrow()
                .name()
                .replace('/', '.');
        Class<?> linked = loader.loadClass(program);
        java.lang.reflect.Method ask = java.util.Arrays.stream(linked.getMethods())
                .filter(m -> m.getParameterCount() == 2 && m.getReturnType() == short.class)
                .findFirst()
                .orElseThrow();
        java.lang.reflect.Method make = java.util.Arrays.stream(linked.getMethods())
                .filter(m -> m.getReturnType() == Service.class)
                .findFirst()
                .orElseThrow();
        assertEquals((short) 14, ((Service) make.invoke(null)).twice((short) 7));
        assertEquals(
                (short) 13,
                ask.invoke(
                        null,
                        new Service() {
                            @Override
                            public short twice(short a) {
                                return (short) (a + 1);
                            }

                            @Override
                            public byte[] bytes() {
                                return new byte[7];
                            }
                        },
                        (short) 5));
    }

    /** Stands for an interface that the card itself implements. */
    public interface Service extends javacard.framework.Shareable {
        short twice(short a);

        byte[] bytes();
    }
}
