// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.LinkedHashSet;
import java.util.Set;
import javacard.framework.AID;
import javacard.framework.Shareable;
import org.opentsm.securitydomain.ApplicationChannel;
import org.opentsm.simulator.open.Aids;

/**
 * Stands before a Shareable object: while a method of it runs, the server's context is the active
 * one, and getPreviousContextAID() names the caller (JCRE 3.0.4 6.1.6).
 */
public final class SharedObject implements InvocationHandler {

    private final ContextRuntime card;
    private Contexts.Frame server;
    private final Object target;

    private SharedObject(ContextRuntime card, Contexts.Frame server, Object target) {
        this.card = card;
        this.server = server;
        this.target = target;
    }

    /** @param server instance whose context the object's methods run in */
    public static Shareable wrap(ContextRuntime card, AID server, Shareable target) {
        return wrap(card, card.frame(server), target);
    }

    static Shareable wrap(ContextRuntime card, Contexts.Frame server, Shareable target) {
        if (Proxy.isProxyClass(target.getClass())) {
            return target;
        }
        Set<Class<?>> interfaces = new LinkedHashSet<>();
        for (Class<?> type = target.getClass(); type != null; type = type.getSuperclass()) {
            for (Class<?> candidate : type.getInterfaces()) {
                if (Shareable.class.isAssignableFrom(candidate)) {
                    interfaces.add(candidate);
                }
            }
        }
        // One proxy class for all cards where the interface is the platform's. Else the object's own loader knows its
        // interfaces: another one may still have those of a package that was deleted and LOADed again.
        ClassLoader definer = interfaces.size() == 1
                ? interfaces.iterator().next().getClassLoader()
                : target.getClass().getClassLoader();
        return (Shareable) Proxy.newProxyInstance(
                definer, interfaces.toArray(Class[]::new), new SharedObject(card, server, target));
    }

    /** Of a saved card the registry is only complete when the object is used. */
    private Contexts.Frame frame() {
        if (server.group() == null && isApplets()) {
            server = card.frame(server.instance());
        }
        return server;
    }

    public AID server() {
        return server.instance();
    }

    /** Load file of the server; null for OPEN. */
    AID group() {
        return frame().group();
    }

    public Object target() {
        return target;
    }

    /** False for the OPEN's own object, which is not card memory. */
    public boolean isApplets() {
        return server.instance() != Aids.OPEN;
    }

    @Override
    public Object invoke(Object proxy, Method method, Object[] arguments) throws Throwable {
        if (method.getDeclaringClass() == Object.class) {
            return switch (method.getName()) {
                case "equals" -> proxy == arguments[0];
                case "hashCode" -> System.identityHashCode(proxy);
                default -> "shared object of " + server.instance();
            };
        }
        method.setAccessible(true);
        Contexts.Frame client = card.activeFrame();
        // What an application asks of its domain's channel the runtime asks for it: with the runtime's reach.
        Contexts.Frame callee = method.getDeclaringClass() == ApplicationChannel.class
                ? new Contexts.Frame(server.instance(), null)
                : frame();
        Class<?>[] types = method.getParameterTypes();
        Object[] passed = arguments == null ? null : arguments.clone();
        for (int i = 0; i < types.length; i++) {
            passed[i] = card.firewall().pass(arguments[i], types[i], client, callee);
        }
        Object result = card.inContext(callee, () -> {
            try {
                return method.invoke(target, passed);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        });
        return card.firewall().pass(result, method.getReturnType(), callee, client);
    }
}
