// SPDX-License-Identifier: Apache-2.0
package com.licel.jcardsim.base;

import com.licel.jcardsim.io.JavaCardInterface;
import com.licel.jcardsim.utils.AIDUtil;
import com.licel.jcardsim.utils.ByteUtil;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import javacard.framework.AID;
import javacard.framework.APDU;
import javacard.framework.Applet;
import javacard.framework.SystemException;
import org.opentsm.simulator.Hex;
import org.opentsm.simulator.classpath.ClassPathCard;

/**
 * What tests written for jCardSim make and call, with our runtime behind it: transactions, firewall, channels and the
 * algorithms of this simulator. {@code CardSimulator}, {@code JavaxSmartCardInterface} and {@code
 * CardTerminalSimulator} of jCardSim build on it and stay as they are. This class must come before jCardSim's on the
 * class path.
 */
public class Simulator implements JavaCardInterface {

    public static final String DEFAULT_ATR = "3BFA1800008131FE454A434F5033315632333298";
    public static final String ATR_SYSTEM_PROPERTY = "com.licel.jcardsim.card.ATR";

    private static final String[] APPLET_PROPERTIES = {
        "com.licel.jcardsim.card.applet.", "com.licel.jcardsim.smartcardio.applet."
    };
    private static final int MOST_APPLETS = 100;

    /** Classes that the line was said of. */
    private static final Set<String> FOREIGN = ConcurrentHashMap.newKeySet();

    protected final SimulatorRuntime runtime;
    private String protocol = "T=0";

    public Simulator() {
        this(new ClassPathCard());
    }

    /**
     * @param given jCardSim's own plain runtime is replaced by ours; one of a subclass, whose methods a test may have
     *     overridden, is taken as it is, and a line says so
     */
    public Simulator(SimulatorRuntime given) {
        this(given, System.getProperties());
    }

    /**
     * @param properties may name applets to load: {@code com.licel.jcardsim.card.applet.0.AID} and {@code .Class}, up
     *     to 99
     */
    protected Simulator(SimulatorRuntime given, Properties properties) {
        runtime = given.getClass() == SimulatorRuntime.class ? new ClassPathCard() : given;
        if (!(runtime instanceof ClassPathCard) && FOREIGN.add(given.getClass().getName())) {
            System.err.println(given.getClass().getName() + " extends jCardSim's SimulatorRuntime: its cards run on"
                    + " jCardSim, without this simulator's firewall, transactions and algorithms");
        }
        changeProtocol(protocol);
        for (int i = 0; i < MOST_APPLETS; i++) {
            String aid = property(properties, i + ".AID");
            String type = property(properties, i + ".Class");
            if (aid != null && type != null) {
                loadApplet(AIDUtil.create(aid), type);
            }
        }
    }

    private static String property(Properties properties, String name) {
        for (String prefix : APPLET_PROPERTIES) {
            if (properties.getProperty(prefix + name) != null) {
                return properties.getProperty(prefix + name);
            }
        }
        return null;
    }

    @Override
    public AID loadApplet(AID aid, String appletClassName, byte[] appletJarContents) throws SystemException {
        if (!(runtime instanceof ClassPathCard card)) {
            return loadApplet(aid, appletClassName);
        }
        card.loadApplet(aid, appletClassName, appletJarContents);
        return aid;
    }

    @Override
    public AID loadApplet(AID aid, String appletClassName) throws SystemException {
        try {
            ClassLoader context = Thread.currentThread().getContextClassLoader();
            return loadApplet(
                    aid, Class.forName(appletClassName, false, context).asSubclass(Applet.class));
        } catch (ClassNotFoundException | ClassCastException e) {
            throw (SystemException) new SystemException(SystemException.ILLEGAL_VALUE).initCause(e);
        }
    }

    public AID loadApplet(AID aid, Class<? extends Applet> appletClass) throws SystemException {
        runtime.loadApplet(aid, appletClass);
        return aid;
    }

    @Override
    public AID createApplet(AID aid, byte[] bArray, short bOffset, byte bLength) throws SystemException {
        runtime.installApplet(aid, bArray, bOffset, bLength);
        return aid;
    }

    public AID installApplet(AID aid, Class<? extends Applet> appletClass) throws SystemException {
        return installApplet(aid, appletClass, new byte[0], (short) 0, (byte) 0);
    }

    public AID installApplet(AID aid, Class<? extends Applet> appletClass, byte[] bArray, short bOffset, byte bLength)
            throws SystemException {
        loadApplet(aid, appletClass);
        return createApplet(aid, bArray, bOffset, bLength);
    }

    @Override
    public AID installApplet(AID aid, String appletClassName, byte[] bArray, short bOffset, byte bLength)
            throws SystemException {
        loadApplet(aid, appletClassName);
        return createApplet(aid, bArray, bOffset, bLength);
    }

    @Override
    public AID installApplet(
            AID aid, String appletClassName, byte[] appletJarContents, byte[] bArray, short bOffset, byte bLength)
            throws SystemException {
        loadApplet(aid, appletClassName, appletJarContents);
        return createApplet(aid, bArray, bOffset, bLength);
    }

    public void deleteApplet(AID aid) {
        runtime.deleteApplet(aid);
    }

    @Override
    public boolean selectApplet(AID aid) throws SystemException {
        return ByteUtil.getSW(selectAppletWithResult(aid)) == (short) 0x9000;
    }

    @Override
    public byte[] selectAppletWithResult(AID aid) throws SystemException {
        return transmitCommand(AIDUtil.select(aid));
    }

    @Override
    public byte[] transmitCommand(byte[] command) {
        synchronized (runtime) {
            return runtime.transmitCommand(command);
        }
    }

    @Override
    public void reset() {
        synchronized (runtime) {
            runtime.reset();
        }
    }

    /** Deletes everything. */
    public final void resetRuntime() {
        synchronized (runtime) {
            runtime.resetRuntime();
        }
    }

    @Override
    public byte[] getATR() {
        return Hex.decode(System.getProperty(ATR_SYSTEM_PROPERTY, DEFAULT_ATR));
    }

    protected byte getProtocolByte(String name) {
        String text = name.toUpperCase(java.util.Locale.ENGLISH).replace(" ", "");
        return switch (text) {
            case "*", "T=0" -> APDU.PROTOCOL_T0;
            case "T=1" -> APDU.PROTOCOL_T1;
            case "T=CL,TYPE_A,T0", "T=CL_TYPE_A_T0" -> APDU.PROTOCOL_MEDIA_CONTACTLESS_TYPE_A;
            case "T=CL", "T=CL,TYPE_A,T1" -> (byte) (APDU.PROTOCOL_MEDIA_CONTACTLESS_TYPE_A | APDU.PROTOCOL_T1);
            case "T=CL,TYPE_B,T0" -> APDU.PROTOCOL_MEDIA_CONTACTLESS_TYPE_B;
            case "T=CL,TYPE_B,T1" -> (byte) (APDU.PROTOCOL_MEDIA_CONTACTLESS_TYPE_B | APDU.PROTOCOL_T1);
            default -> throw new IllegalArgumentException("Unknown protocol: " + name);
        };
    }

    @Override
    public void changeProtocol(String name) {
        runtime.changeProtocol(getProtocolByte(name));
        protocol = name;
    }

    @Override
    public String getProtocol() {
        return protocol;
    }
}
