using System.CommandLine;
using DeformDetr.Oracle;

namespace DeformDetr.Cli;

internal static class WhyCommand
{
    private const int Shown = 16;

    public static Command Create(CliConsole console)
    {
        Argument<string> address = CliOptions.NotEmpty(
            new Argument<string>("ELEMENT") { Description = "A tensor's name and an element's index: \"pred_boxes[0,12,3]\"" });
        Option<string[]> input = CliOptions.Inputs();

        // Greedy words would take the element for a picture.
        input.AllowMultipleArgumentsPerToken = false;
        Option<string> weights = CliOptions.Weights();
        Option<string?> config = CliOptions.Config();
        Option<string?> variant = CliOptions.Variant();
        Option<string?> port = CliOptions.NotEmpty(new Option<string?>("--port")
        {
            Description = "A port's tensors under the contract's names: its terms stand beside ours",
            HelpName = "DUMP",
        });
        Option<int?> terms = CliOptions.AtLeastOne("--terms", "N", "How many terms to show", Shown);
        Option<int?> threads = CliOptions.Threads();
        Option<bool> json = CliOptions.Json();
        Command command = new("why", "Print the terms that make one number of the model, as the sum that it is.")
        {
            address, weights, input, config, variant, port, terms, threads, json,
        };
        command.SetAction(parsed =>
        {
            (WeightSource source, RunConfiguration run) = CliOptions.Model(
                console, parsed.GetRequiredValue(weights), parsed.GetValue(config), parsed.GetValue(variant));
            WhyRequest request = new(
                parsed.GetRequiredValue(address), parsed.GetRequiredValue(input), source, run.Config, run.Preprocess, parsed.GetValue(port),
                CliOptions.Cores(parsed.GetValue(threads)));
            Explanation explanation = CliOptions.OrGuessed(
                source, parsed.GetValue(config), parsed.GetValue(variant),
                () => console.Track("why", 0, step => WhyRun.Run(request, step)));
            if (parsed.GetValue(json))
            {
                console.Json(writer => WhyText.Write(explanation, writer));
            }
            else
            {
                WhyText.Write(explanation, console.Out, parsed.GetValue(terms) ?? Shown);
            }

            return explanation.AddsUp ? CommandLine.Done : CommandLine.Bug;
        });
        return command;
    }
}
