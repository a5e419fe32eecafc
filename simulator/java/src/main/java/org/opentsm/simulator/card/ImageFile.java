// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.card;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.opentsm.simulator.SimulatorException;
import org.opentsm.simulator.image.CardImage;

/** Cards for tests: of an image file, or of CAP files alone. They are not saved. */
public final class ImageFile {

    private ImageFile() {}

    /**
     * @param file a card image; class files of the security domains are in the folder that the property {@code
     *             opentsm.applets} names, which an image with their CAP, or without an issuer domain, does not need
     * @throws SimulatorException when it is no image, or cannot be made
     */
    public static Card open(Path file) {
        Path folder = file.toAbsolutePath().getParent();
        try {
            return make(JsonParser.parseString(Files.readString(file)).getAsJsonObject(), folder);
        } catch (IOException | JsonParseException | IllegalStateException e) {
            throw new SimulatorException(
                    "image-unreadable", null, "no card image in " + file + ": " + e.getMessage(), e);
        }
    }

    /**
     * A Java Card with nothing but the applets of CAP files, each by its own AID; a UICC where they import the toolkit.
     *
     * @param files in the order in which they are linked
     */
    public static Card ofCaps(List<Path> files) {
        JsonArray loadFiles = new JsonArray();
        for (Path file : files) {
            JsonObject loadFile = new JsonObject();
            loadFile.addProperty("cap", file.toAbsolutePath().toString());
            loadFiles.add(loadFile);
        }
        JsonObject image = new JsonObject();
        image.addProperty("name", "cap");
        image.addProperty("atr", "3B80800101");
        image.add("loadFiles", loadFiles);
        image.addProperty("installAll", true);
        image.addProperty("toolkit", "imports");
        return make(image, Path.of("").toAbsolutePath());
    }

    private static Card make(JsonObject json, Path folder) {
        Path applets = Path.of(System.getProperty("opentsm.applets", folder.toString()));
        return new Card(CardImage.parse(json, folder), json.toString().getBytes(StandardCharsets.UTF_8), applets, null);
    }
}
