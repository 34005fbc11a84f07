using System.Diagnostics;

namespace DeformDetr.Oracle;

/// <summary>Judges a port by a dump of its tensors.</summary>
public static class PortCheck
{
    /// <summary>Checks. The inputs are only read.</summary>
    /// <param name="request">What to check.</param>
    /// <param name="progress">Told the name of every tensor before it is judged; null for nobody.</param>
    /// <exception cref="InvalidDataException">Bad weights, input, map or dump, in one line that begins with the file.</exception>
    public static CheckReport Run(CheckRequest request, Action<string>? progress = null) => Run(request, null, progress).Report;

    /// <summary>Checks, and writes the smallest input on which the first wrong step fails as a golden case.</summary>
    /// <param name="request">What to check.</param>
    /// <param name="export">The case's folder, new or empty; null for none.</param>
    /// <param name="progress">Told the name of every tensor before it is judged; null for nobody.</param>
    /// <returns>The report, and the case; null where no step is wrong, or none that can be run by itself.</returns>
    /// <exception cref="InvalidDataException">Bad weights, input, map, dump or folder, in one line that begins with the file.</exception>
    public static (CheckReport Report, ExportedCase? Exported) Run(CheckRequest request, string? export, Action<string>? progress = null)
    {
        Stopwatch clock = Stopwatch.StartNew();
        NameMap? map = request.Map is null ? null : NameMap.Load(request.Map);
        using PortDump port = PortDump.Open(request.Port, map, request.PortDType);
        CheckModel model = CheckModel.Load(request.Inputs, request.Weights, request.Config, request.Preprocess);
        NameMatcher matcher = new();
        ExportedCase? exported = null;
        CheckListeners listeners = new(
            matcher.Offer,
            export is null
                ? null
                : (step, inputs, tensor, noise) => exported ??= OperatorExport.Write(step, inputs, tensor, noise, export));
        CheckReport report = Run(model, port, request, clock, progress, listeners);
        return (report.Extra.Count == 0 ? report : report with { Proposals = matcher.Propose(port, report.Extra) }, exported);
    }

    internal static CheckReport Run(
        CheckModel model, IPortTensors port, CheckRequest request, Stopwatch clock, Action<string>? progress = null,
        CheckListeners? listeners = null)
    {
        CheckTools tools = CheckTools.Create(model.Graph, request.PortDType, request.Threads);
        (IReadOnlyList<TensorCheck> tensors, IReadOnlyList<DecisionMargin> decisions) = CheckRun.Run(
            model, port, tools, progress, listeners);
        return new CheckReport(
            port.Path, request.Weights.Text, request.Inputs, ConfigWriter.ToJson(request.Config), request.PortDType.Word(), tensors,
            port.Extra(model.Graph.Steps.Select(step => step.Name)), decisions, [], clock.Elapsed.TotalSeconds);
    }
}
