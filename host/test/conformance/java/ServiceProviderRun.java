// SPDX-License-Identifier: Apache-2.0
import java.io.File;
import java.io.FileInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import tsms.ApiClient;
import tsms.ApiException;
import tsms.api.ApplicationConfigsApi;
import tsms.api.AuthApi;
import tsms.api.CertificatesApi;
import tsms.api.ExecutableLoadFilesApi;
import tsms.api.PersonalizationScriptsApi;
import tsms.api.SecureComponentProfilesApi;
import tsms.api.ServiceprovidersApi;
import tsms.api.ServicesApi;
import tsms.api.SposConfigsApi;
import tsms.model.ApplicationConfig;
import tsms.model.ApplicationInstantiationConfig;
import tsms.model.CAP;
import tsms.model.Flavor;
import tsms.model.PersonalizationConfig;
import tsms.model.Service;
import tsms.model.SposConfig;
import tsms.model.Version;

/**
 * What a service provider does with a TSM-Backend (TR-03165, 2.8), by a client that openapi-generator made from the
 * published document: account, files, a service with a published Flavor and a Version, and all of it removed. Prints
 * one line for each operation that went well; ends with 1 at the first that did not.
 */
public final class ServiceProviderRun {
    private static int done = 0;

    private interface Call<T> {
        T now() throws ApiException;
    }

    private interface Act {
        void now() throws ApiException;
    }

    private static <T> T call(String operation, Call<T> call) throws ApiException {
        T answer = call.now();
        done += 1;
        System.out.println(operation);
        return answer;
    }

    private static void act(String operation, Act act) throws ApiException {
        call(operation, () -> {
            act.now();
            return null;
        });
    }

    private static void require(boolean holds, String what) {
        if (!holds) throw new IllegalStateException(what);
    }

    /** Arguments: base URL, authority (PEM), long-term token, CAP file, script file, certificate (PEM), chip. */
    public static void main(String[] args) throws Exception {
        ApiClient client = new ApiClient();
        client.updateBaseUri(args[0]);
        client.setHttpClientBuilder(HttpClient.newBuilder().sslContext(trusting(args[1])));
        String[] token = {args[2]};
        client.setRequestInterceptor(request -> request.setHeader("Authorization", "Bearer " + token[0]));
        token[0] = call("createAccessToken", () -> new AuthApi(client).createAccessToken());
        call("getAccountInformation", () -> new ServiceprovidersApi(client).getAccountInformation());
        UUID chip = UUID.fromString(args[6]);
        SecureComponentProfilesApi chips = new SecureComponentProfilesApi(client);
        require(
                call("listSecureComponentProfiles", chips::listSecureComponentProfiles).stream()
                        .anyMatch(profile -> chip.equals(profile.getId())),
                "the chip is not in the catalogue");
        call("getSecureComponentProfile", () -> chips.getSecureComponentProfile(chip));
        run(client, args, chip);
        System.out.println("done " + done);
    }

    private static void run(ApiClient client, String[] args, UUID chip) throws Exception {
        ExecutableLoadFilesApi elfs = new ExecutableLoadFilesApi(client);
        CAP cap = call("createElfAndUploadBinary", () -> elfs.createElfAndUploadBinary("purse.cap", new File(args[3])))
                .getCAP();
        UUID module =
                call("listEms", () -> elfs.listEms(cap.getId())).get(0).getId();
        PersonalizationScriptsApi scripts = new PersonalizationScriptsApi(client);
        UUID script = call(
                        "createPersoScriptAndUploadBinary",
                        () -> scripts.createPersoScriptAndUploadBinary("purse.json", new File(args[4])))
                .getId();
        CertificatesApi certificates = new CertificatesApi(client);
        UUID certificate = call(
                        "createCertAndUploadBinary",
                        () -> certificates.createCertAndUploadBinary("sp.pem", new File(args[5])))
                .getId();
        SposConfigsApi sposConfigs = new SposConfigsApi(client);
        SposConfig spos = new SposConfig().url(URI.create("https://sp.example/spos")).certificateId(certificate);
        UUID sposConfig = call("createSposConfig", () -> sposConfigs.createSposConfig(spos))
                .getId();
        ApplicationConfigsApi configs = new ApplicationConfigsApi(client);
        ApplicationConfig config = new ApplicationConfig()
                .instanceAid("A00000000101")
                .personalizationConfig(new PersonalizationConfig().personalizationScriptId(script));
        UUID application =
                call("createAppConfig", () -> configs.createAppConfig(config)).getId();
        ServicesApi services = new ServicesApi(client);
        UUID service = call(
                        "createService",
                        () -> services.createService(new Service().name("transit").sposConfigId(sposConfig)))
                .getId();
        // Without arguments it would send `published`, which is the TSM's to set (T9).
        Flavor wanted = new Flavor(null, null, null, null)
                .executableLoadFileIds(List.of(cap.getId()))
                .applicationInstantiationConfigs(List.of(new ApplicationInstantiationConfig()
                        .executableModuleId(module)
                        .applicationConfigId(application)));
        UUID flavor = call("createFlavor", () -> services.createFlavor(service, wanted))
                .getId();
        require(
                call("publishFlavor", () -> services.publishFlavor(service, flavor))
                        .getPublished(),
                "the Flavor is not published");
        Version version = new Version()
                .tag("1.0.0")
                .allowedDeployments(Map.of(flavor.toString(), List.of(chip.toString())));
        Version made = call("createVersion", () -> services.createVersion(service, version));
        require(
                made.equals(call("getVersion", () -> services.getVersion(service, "1.0.0"))),
                "the Version is another one");
        call("listLinkedSecureComponentProfiles", () -> services.listLinkedSecureComponentProfiles(service, "1.0.0"));
        try {
            configs.deleteAppConfig(application);
            require(false, "what is in use could be deleted");
        } catch (ApiException inUse) {
            require(inUse.getCode() == 400 && inUse.getResponseBody().contains("1010"), "another refusal");
        }
        act("deleteVersion", () -> services.deleteVersion(service, "1.0.0"));
        act("deleteFlavor", () -> services.deleteFlavor(service, flavor));
        act("deleteService", () -> services.deleteService(service));
        act("deleteAppConfig", () -> configs.deleteAppConfig(application));
        act("deleteSposConfig", () -> sposConfigs.deleteSposConfig(sposConfig));
        act("deleteCert", () -> certificates.deleteCert(certificate));
        act("deletePersoScript", () -> scripts.deletePersoScript(script));
        act("deleteElf", () -> elfs.deleteElf(cap.getId()));
    }

    /** TLS that believes this authority alone. */
    private static SSLContext trusting(String authority) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (FileInputStream file = new FileInputStream(authority)) {
            store.setCertificateEntry(
                    "authority", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return context;
    }
}
