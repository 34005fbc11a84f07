using System.Diagnostics;

namespace DeformDetr.Oracle;

/// <summary>Judges a port by a dump of its tensors.</summary>
public static class PortCheck
{
    /// <summary>Checks. Nothing is written, and the inputs are only read.</summary>
    /// <param name="request">What to check.</param>
    /// <param name="progress">Told the name of every tensor before it is judged; null for nobody.</param>
    /// <exception cref="InvalidDataException">Bad weights, input, map or dump, in one line that begins with the file.</exception>
    public static CheckReport Run(CheckRequest request, Action<string>? progress = null)
    {
        Stopwatch clock = Stopwatch.StartNew();
        NameMap? map = request.Map is null ? null : NameMap.Load(request.Map);
        using PortDump port = PortDump.Open(request.Port, map, request.PortDType);
        CheckModel model = CheckModel.Load(request.Inputs, request.Weights, request.Config, request.Preprocess);
        return Run(model, port, request, clock, progress);
    }

    internal static CheckReport Run(
        CheckModel model, IPortTensors port, CheckRequest request, Stopwatch clock, Action<string>? progress = null)
    {
        CheckTools tools = CheckTools.Create(model.Graph, request.PortDType, request.Threads);
        (IReadOnlyList<TensorCheck> tensors, IReadOnlyList<DecisionMargin> decisions) = CheckRun.Run(model, port, tools, progress);
        return new CheckReport(
            port.Path, request.Weights.Text, request.Inputs, ConfigWriter.ToJson(request.Config), request.PortDType.Word(), tensors,
            port.Extra(model.Graph.Steps.Select(step => step.Name)), decisions, [], clock.Elapsed.TotalSeconds);
    }
}
