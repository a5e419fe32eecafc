// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.control;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.opentsm.simulator.Hex;
import org.opentsm.simulator.SimulatorException;
import org.opentsm.simulator.Threads;
import org.opentsm.simulator.card.Card;
import org.opentsm.simulator.image.CardImage;
import org.opentsm.simulator.link.Link;
import org.opentsm.simulator.link.TcpLink;
import org.opentsm.simulator.link.VpcdLink;
import org.opentsm.simulator.runtime.Coverage;
import org.opentsm.simulator.runtime.FaultPlan;
import org.opentsm.simulator.runtime.Sites;
import org.opentsm.simulator.runtime.Statistics;

/** The control methods, by name: what a request asks for and what it answers. */
final class Simulator {

    /** A card in the simulator with the links that lead to it. */
    private record Inserted(Card card, List<Link> links) {}

    private static final int MAX_AWAKE = Integer.getInteger("opentsm.awake", 64);
    private static final long LOOK_MS = 200;
    private static final long IDLE_NS = 500_000_000;

    private final Path applets;
    private final Consumer<JsonObject> events;
    private final Map<Long, Inserted> cards = new ConcurrentHashMap<>();
    private final AtomicLong lastCard = new AtomicLong();

    /** @param events gets what happens without a request */
    Simulator(Path applets, Consumer<JsonObject> events) {
        this.events = events;
        this.applets = applets;
        Threads.start("hibernation", this::hibernate);
    }

    /** Of more cards than memory should hold, those that nobody has used for a while go to their files. */
    private void hibernate() {
        try {
            while (true) {
                Thread.sleep(LOOK_MS);
                List<Card> awake = new ArrayList<>(cards.values().stream()
                        .map(Inserted::card)
                        .filter(Card::isAwake)
                        .toList());
                awake.sort(Comparator.comparingLong(Card::lastUse));
                int over = awake.size() - MAX_AWAKE;
                for (Card card : awake) {
                    if (over > 0 && System.nanoTime() - card.lastUse() > IDLE_NS && card.hibernate()) {
                        over--;
                    }
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** @throws SimulatorException when the request cannot be met */
    JsonObject call(String method, JsonObject parameters) {
        return switch (method) {
            case "insert" -> insert(parameters);
            case "transmit" -> transmit(parameters);
            case "reset" -> done(() -> inserted(parameters).card.reset());
            case "power" -> done(() -> power(parameters));
            case "cutPower" -> done(() -> cutPower(parameters));
            case "statistics" -> statistics(inserted(parameters).card.statistics());
            case "coverage" -> coverage();
            case "load" -> awake();
            case "loadFile" -> loadFile(parameters);
            case "sites" -> sites();
            case "inspect" -> CapSummary.of(Path.of(parameters.get("file").getAsString()));
            case "fingerprint" -> fingerprint(inserted(parameters).card);
            case "memory" -> memory(inserted(parameters).card.memory());
            case "remove" -> done(() -> remove(parameters.get("card").getAsLong()));
            default -> throw new SimulatorException("usage", "no method " + method);
        };
    }

    /** Told of a request before it waits for the card: a reset need not wait for a command that computes for ever. */
    void hurry(String line) {
        try {
            JsonObject request = JsonParser.parseString(line).getAsJsonObject();
            Inserted found =
                    cards.get(request.getAsJsonObject("parameters").get("card").getAsLong());
            if (found != null
                    && Set.of("reset", "power", "remove")
                            .contains(request.get("method").getAsString())) {
                found.card.hurry();
            }
        } catch (RuntimeException e) {
            // Not a request: the answer says so.
        }
    }

    /** Saves all cards and closes their links. */
    void stop() {
        cards.keySet().forEach(this::remove);
    }

    private JsonObject insert(JsonObject parameters) {
        JsonObject imageJson = parameters.getAsJsonObject("image");
        Path folder = Path.of(parameters.get("folder").getAsString());
        Path stateFolder =
                parameters.has("stateDir") ? Path.of(parameters.get("stateDir").getAsString()) : null;
        CardImage image = CardImage.parse(imageJson, folder);
        long id = lastCard.incrementAndGet();
        Card card = new Card(image, imageJson.toString().getBytes(StandardCharsets.UTF_8), applets, stateFolder);
        List<Link> links = new ArrayList<>();
        JsonObject result = new JsonObject();
        try {
            if (parameters.has("tcp")) {
                TcpLink link = new TcpLink(
                        card, parameters.getAsJsonObject("tcp").get("port").getAsInt());
                links.add(link);
                result.addProperty("tcpPort", link.port());
            }
            if (parameters.has("vpcd")) {
                JsonObject vpcd = parameters.getAsJsonObject("vpcd");
                links.add(new VpcdLink(
                        card, vpcd.get("host").getAsString(), vpcd.get("port").getAsInt(), state -> reader(id, state)));
            }
        } catch (SimulatorException e) {
            links.forEach(Link::close);
            card.remove();
            throw e;
        }
        card.onPowerCut(() -> links.forEach(Link::drop));
        cards.put(id, new Inserted(card, links));
        result.addProperty("card", id);
        result.addProperty("name", card.name());
        result.addProperty("atr", Hex.encode(card.atr()));
        return result;
    }

    private JsonObject transmit(JsonObject parameters) {
        byte[] command = Hex.decode(parameters.get("command").getAsString());
        JsonObject result = new JsonObject();
        result.addProperty("response", Hex.encode(inserted(parameters).card.transmit(command)));
        return result;
    }

    private JsonObject loadFile(JsonObject parameters) {
        Path file = Path.of(parameters.get("file").getAsString());
        byte[] installParameters = Hex.decode(parameters.get("parameters").getAsString());
        JsonArray instances = new JsonArray();
        inserted(parameters).card.load(file, installParameters).forEach(instances::add);
        JsonObject result = new JsonObject();
        result.add("instances", instances);
        return result;
    }

    private static JsonObject sites() {
        JsonObject result = new JsonObject();
        Sites.counts().forEach((place, count) -> {
            JsonObject numbers = new JsonObject();
            numbers.addProperty("bytes", count.bytes());
            numbers.addProperty("writes", count.writes());
            result.add(place, numbers);
        });
        return result;
    }

    private void power(JsonObject parameters) {
        Card card = inserted(parameters).card;
        if (parameters.get("state").getAsString().equals("on")) {
            card.powerOn();
        } else {
            card.powerOff();
        }
    }

    private void cutPower(JsonObject parameters) {
        Card card = inserted(parameters).card;
        if (parameters.has("atWrite")) {
            card.cutAtWrite(parameters.get("atWrite").getAsLong());
        } else {
            boolean before = parameters.get("when").getAsString().equals("before-processing");
            card.cutAfterApdus(
                    parameters.get("afterApdus").getAsLong(),
                    before ? FaultPlan.Side.BEFORE_PROCESSING : FaultPlan.Side.BEFORE_RESPONSE);
        }
    }

    private static JsonObject statistics(Statistics statistics) {
        JsonObject result = new JsonObject();
        result.addProperty("apdus", statistics.apdus());
        result.addProperty("persistentWrites", statistics.persistentWrites());
        result.addProperty("allocationsAfterInstall", statistics.allocationsAfterInstall());
        result.addProperty("largestTransaction", statistics.largestTransaction());
        result.addProperty("keyPairs", statistics.keyPairs());
        result.addProperty("cryptoCpuMs", statistics.cryptoCpuMs());
        return result;
    }

    /**
     * How many cards there are and are in memory, and the bytes that the heap holds after a collection, and the classes
     * beside it.
     */
    private JsonObject awake() {
        System.gc();
        JsonObject result = new JsonObject();
        result.addProperty("cards", cards.size());
        result.addProperty(
                "awake",
                cards.values().stream()
                        .filter(inserted -> inserted.card.isAwake())
                        .count());
        Runtime machine = Runtime.getRuntime();
        result.addProperty("heapBytes", machine.totalMemory() - machine.freeMemory());
        long classBytes = ManagementFactory.getMemoryPoolMXBeans().stream()
                .filter(pool -> pool.getName().equals("Metaspace"))
                .mapToLong(pool -> pool.getUsage().getUsed())
                .sum();
        result.addProperty("classBytes", classBytes);
        return result;
    }

    private static JsonObject fingerprint(Card card) {
        JsonObject result = new JsonObject();
        result.addProperty("fingerprint", Hex.encode(card.fingerprint()));
        return result;
    }

    private static JsonObject coverage() {
        JsonObject result = new JsonObject();
        Coverage.counts().forEach((source, lines) -> {
            JsonObject counts = new JsonObject();
            lines.forEach((line, count) -> counts.addProperty(line.toString(), count));
            result.add(source, counts);
        });
        return result;
    }

    private void reader(long card, VpcdLink.State state) {
        JsonObject event = new JsonObject();
        event.addProperty("event", "reader");
        event.addProperty("card", card);
        event.addProperty("state", state.name().toLowerCase(Locale.ROOT).replace('_', '-'));
        events.accept(event);
    }

    private static JsonObject memory(Map<String, int[]> accounts) {
        JsonObject result = new JsonObject();
        accounts.forEach((aid, bytes) -> {
            JsonObject account = new JsonObject();
            account.addProperty("persistent", bytes[0]);
            account.addProperty("transientReset", bytes[1]);
            account.addProperty("transientDeselect", bytes[2]);
            result.add(aid, account);
        });
        return result;
    }

    private void remove(long id) {
        Inserted inserted = cards.remove(id);
        if (inserted != null) {
            inserted.links.forEach(Link::close);
            inserted.card.remove();
        }
    }

    private Inserted inserted(JsonObject parameters) {
        Inserted inserted = cards.get(parameters.get("card").getAsLong());
        if (inserted == null) {
            throw new SimulatorException("card-removed", "the card is not in the simulator");
        }
        return inserted;
    }

    private static JsonObject done(Runnable action) {
        action.run();
        return new JsonObject();
    }
}
