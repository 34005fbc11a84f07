using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Xunit.Abstractions;

namespace DeformDetr.Oracle.Tests.Checking.Reports;

/// <summary>The page in headless Chromium, used as a reader uses it.</summary>
public sealed class CheckHtmlBrowserTests(ITestOutputHelper output) : IDisposable
{
    private const int Phone = 390;

    private readonly string _folder = Directory.CreateTempSubdirectory("deform-detr-pages-").FullName;

    [ChromiumFact]
    public void No_page_is_wider_than_its_window_and_nothing_is_refused()
    {
        foreach ((string sample, Func<CheckReport> report) in SampleReports.All)
        {
            foreach (bool dark in new[] { false, true })
            {
                JsonElement facts = Drive(sample, report(), dark, "each(closed => { closed.open = true; })", Phone, 800, 1280);
                foreach (JsonElement view in facts.EnumerateArray())
                {
                    Assert.True(view.GetProperty("scroll").GetDouble() <= view.GetProperty("width").GetDouble(), $"{sample}: {view}");
                    Assert.Equal(dark, view.GetProperty("background").GetString() == "rgb(20, 23, 28)");
                    Assert.NotEqual("planted", view.GetProperty("title").GetString());
                }
            }
        }
    }

    [ChromiumFact]
    public void A_thousand_rows_are_filtered_opened_and_closed_at_once()
    {
        CheckReport report = SampleReports.Thousand();
        int wrong = report.WrongSteps.Count();
        JsonElement view = Drive(
            "thousand", report, dark: false,
            """
            note("first", shown());
            time("filter", () => type("sampling_locations"));
            note("filtered", shown());
            note("said", get("shown").textContent);
            type("no such step");
            note("none", [shown(), get("none").hidden]);
            type("");
            time("only", () => get("only-wrong").click());
            note("wrong", shown());
            get("only-wrong").click();
            time("open", () => get("open-all").click());
            note("opened", shown());
            time("close", () => get("close-all").click());
            note("closed", shown());
            const button = page.querySelector("tbody.group button");
            button.click();
            note("expanded", [button.getAttribute("aria-expanded"), shown()]);
            """, 1280)[0];
        Assert.InRange(view.GetProperty("first").GetInt32(), wrong, report.Tensors.Count / 3);
        int locations = report.Tensors.Count(tensor => tensor.Name.EndsWith("sampling_locations", StringComparison.Ordinal));
        Assert.Equal(locations, view.GetProperty("filtered").GetInt32());
        Assert.Equal($"{locations} of {report.Tensors.Count} steps", view.GetProperty("said").GetString());
        Assert.Equal("[0,false]", view.GetProperty("none").ToString());
        Assert.Equal(wrong, view.GetProperty("wrong").GetInt32());
        Assert.Equal(report.Tensors.Count, view.GetProperty("opened").GetInt32());
        Assert.Equal(0, view.GetProperty("closed").GetInt32());
        Assert.Equal($"[\"true\",{StepGroup.Of(report.Tensors)[0].Steps.Count}]", view.GetProperty("expanded").ToString());
        foreach (string what in new[] { "filter", "only", "open", "close" })
        {
            double milliseconds = view.GetProperty($"{what}-time").GetDouble();
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what}: {milliseconds} ms"));

            // Tenths of a second on an idle machine. The bound is for a page that hangs, on a machine that is busy.
            Assert.InRange(milliseconds, 0, 30_000);
        }
    }

    [ChromiumFact]
    public void Links_open_what_is_closed_keys_read_the_picture_and_the_heading_stays()
    {
        CheckReport report = SampleReports.ManyWrong();
        int norm = report.Tensors.ToList().FindIndex(tensor => tensor.Name == "transformer.decoder.layers.3.norm2");
        JsonElement view = Drive(
            "many-wrong", report, dark: false,
            $$"""
            const details = get("step-{{norm}}");
            note("before", details.open);
            page.querySelector("a[href='#step-{{norm}}']").dispatchEvent(new frame.contentWindow.MouseEvent("click", { bubbles: true, cancelable: true }));
            await new Promise(done => setTimeout(done, 300));
            note("after", details.open);
            const picture = details.querySelector(".cells-picture");
            const press = key => picture.dispatchEvent(new frame.contentWindow.KeyboardEvent("keydown", { key }));
            press("ArrowRight");
            press("ArrowRight");
            press("ArrowDown");
            press("ArrowLeft");
            note("read", details.querySelector(".readout").textContent);
            get("open-all").click();
            page.querySelector("tbody.group:nth-of-type(3)").scrollIntoView({ behavior: "instant" });
            note("heading", Math.round(page.querySelector("table.steps thead th").getBoundingClientRect().top));
            note("bar", Math.round(page.querySelector("header.top").getBoundingClientRect().bottom));
            """, 1280)[0];
        Assert.False(view.GetProperty("before").GetBoolean());
        Assert.True(view.GetProperty("after").GetBoolean());
        ErrorMap map = report.Tensors[norm].Anatomy!.Map!;
        string error = map.Largest[map.Width + 1].ToString("G3", CultureInfo.InvariantCulture);
        Assert.Equal($"query 5–9, channel 4–7: {error}× noise", view.GetProperty("read").GetString());
        Assert.InRange(view.GetProperty("heading").GetInt32(), view.GetProperty("bar").GetInt32() - 1, view.GetProperty("bar").GetInt32() + 1);
    }

    public void Dispose()
    {
        try
        {
            Directory.Delete(_folder, recursive: true);
        }
        catch (IOException)
        {
            // A helper process of the browser may still write into its profile.
        }
    }

    // A page around the page acts on it, since the page itself lets no other script run; what it finds is read from its document.
    private JsonElement Drive(string name, CheckReport report, bool dark, string script, params int[] widths)
    {
        string file = Path.Combine(_folder, $"{name}.html");
        CheckHtml.WriteFile(report, file);
        string driver = Path.Combine(_folder, $"drive-{name}.html");
        File.WriteAllText(
            driver,
            $$"""
            <!DOCTYPE html><meta charset="utf-8"><body><pre id="facts"></pre><script>
            async function drive(width) {
                const frame = document.createElement("iframe");
                frame.style = "border:0;height:800px;width:" + width + "px";
                frame.src = "{{name}}.html";
                document.body.append(frame);
                await new Promise(done => { frame.onload = done; });
                const page = frame.contentDocument;
                const facts = {};
                const get = id => page.getElementById(id);
                const note = (key, value) => { facts[key] = value; };
                const each = act => page.querySelectorAll("details").forEach(act);
                const shown = () => [...page.querySelectorAll("tr.row")].filter(row => row.offsetParent !== null).length;
                const type = text => { get("filter").value = text; get("filter").dispatchEvent(new frame.contentWindow.Event("input")); };
                const time = (key, act) => { const start = performance.now(); act(); page.body.offsetHeight; note(key + "-time", performance.now() - start); };
                {{script}}
                note("scripts", page.documentElement.className);
                note("title", page.title);
                note("width", width);
                note("scroll", page.documentElement.scrollWidth);
                note("background", frame.contentWindow.getComputedStyle(page.body).backgroundColor);
                frame.remove();
                return facts;
            }
            (async () => {
                const all = [];
                try { for (const width of [{{string.Join(',', widths)}}]) { all.push(await drive(width)); } } catch (error) { all.push(String(error)); }
                document.getElementById("facts").textContent = JSON.stringify(all);
            })();
            </script>
            """);
        (string document, string log) = ChromiumFactAttribute.Open(driver, dark, Path.Combine(_folder, "profile"));
        Assert.DoesNotMatch("CONSOLE", log);
        string text = WebUtility.HtmlDecode(Regex.Match(document, "<pre id=\"facts\">(.*?)</pre>", RegexOptions.Singleline).Groups[1].Value);
        Assert.True(text.Length > 0, $"{name}: no facts. {log}");
        JsonElement facts = JsonDocument.Parse(text).RootElement;
        Assert.Equal(widths.Length, facts.GetArrayLength());
        Assert.All(facts.EnumerateArray(), view => Assert.True(view.ValueKind == JsonValueKind.Object && view.GetProperty("scripts").GetString() == "scripts", $"{name}: {view}"));
        return facts;
    }
}
